import { test, expect, describe, beforeAll, beforeEach } from 'vitest';
import { skipAloud } from './support/skip-aloud.ts';
test('a', () => { expect(1).toBe(1); });
test('b', () => { expect(1).toBe(2); });
test('s', (ctx) => { skipAloud(ctx, 'no Redis'); });
describe('x', () => { beforeAll(() => { throw new Error('boom'); }); test('c', () => {}); });
describe('y', () => { beforeEach((ctx) => skipAloud(ctx, 'no rabbit')); test('c', () => {}); });
