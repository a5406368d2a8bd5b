/** Limits shared by all instances through Redis; without it each instance counts for itself, so there is always a limit. */
import type { CacheDriver, LimitVerdict } from './driver.ts';
import type { CacheStats } from './stats.ts';
import type { Trust } from './trust.ts';

export interface LimitResult {
  allowed: boolean;
  /** Uses left on the tightest key. */
  remaining: number;
  /** Whole seconds, at least 1 when refused, else 0; the value of `Retry-After`. */
  retryAfterSeconds: number;
}

export function createLimiter(trust: Pick<Trust, 'current'>, memory: CacheDriver, stats: CacheStats) {
  return async function limit(keys: readonly { key: string; limit: number }[], windowSeconds: number): Promise<LimitResult> {
    const ask = { keys, windowMs: windowSeconds * 1000 };
    const driver = trust.current() ?? memory;
    let verdict: LimitVerdict;
    try {
      verdict = await driver.admit(ask);
    } catch {
      verdict = await memory.admit(ask);
    }
    if (!verdict.allowed) stats.limited++;
    return {
      allowed: verdict.allowed,
      remaining: verdict.remaining,
      retryAfterSeconds: verdict.allowed ? 0 : Math.max(1, Math.ceil(verdict.retryAfterMs / 1000)),
    };
  };
}
