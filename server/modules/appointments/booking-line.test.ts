import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createLine } from './booking-line.ts';

test('one after the other with the same key, whatever became of those before; at once with another', async () => {
  const line = createLine(5_000);
  const said: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = line('a', async () => {
    await gate.promise;
    said.push('first');
    throw new Error('lost');
  });
  const rest = ['second', 'third'].map((name) => line('a', async () => said.push(name)));
  await line('b', async () => said.push('other'));
  await sleep(20);
  expect(said).toEqual(['other']);
  gate.resolve();
  await expect(first).rejects.toThrow('lost');
  expect(await Promise.all(rest)).toEqual([3, 4]);
  expect(said).toEqual(['other', 'first', 'second', 'third']);
});

test('who has waited long enough goes on', async () => {
  const line = createLine(10);
  const gate = Promise.withResolvers<void>();
  const first = line('a', () => gate.promise);
  expect(await line('a', () => Promise.resolve('went on'))).toBe('went on');
  gate.resolve();
  await first;
});
