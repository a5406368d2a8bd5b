/**
 * The only way to leave a test out: something it needs is not on this machine. The run names the test and the reason;
 * with `CI=true` the test fails instead, since there nothing may be missing.
 *
 *   test('…', (ctx) => { if (!redis) skipAloud(ctx, 'no Redis at 127.0.0.1:6379'); … })
 *   beforeEach((ctx) => { if (!redis) skipAloud(ctx, …) })        for a whole suite
 */
export function skipAloud(ctx: { skip(note: string): never }, reason: string): never {
  if (process.env['CI'] === 'true') throw new Error(`${reason} (nothing may be missing with CI=true)`);
  return ctx.skip(reason);
}
