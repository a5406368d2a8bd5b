import { describe, expect, test } from 'vitest';
import { createRecall } from './recall.ts';

/** Answers only when told to, as a slow database would. */
function createSource() {
  const asked: ((value: string | undefined) => void)[] = [];
  return { asked, load: () => new Promise<string | undefined>((resolve) => asked.push(resolve)) };
}

describe('what is remembered for less than a second', () => {
  test('callers at once share one look-up, and later ones need none', async () => {
    const { asked, load } = createSource();
    const recall = createRecall(load, 10);
    expect(recall.peek('a')).toBeUndefined();
    const both = [recall.get('a'), recall.get('a')];
    await Promise.resolve();
    asked[0]!('ana');
    expect(await Promise.all(both)).toEqual(['ana', 'ana']);
    expect(asked).toHaveLength(1);
    expect(recall.peek('a')).toBe('ana');
  });

  test('what was read before a revocation is not used after it', async () => {
    const { asked, load } = createSource();
    const recall = createRecall(load, 10);
    const before = recall.get('a');
    await Promise.resolve();
    recall.forget();
    const after = recall.get('a');
    await Promise.resolve();
    asked[0]!('old');
    asked[1]!(undefined);
    expect(await before).toBe('old');
    expect(await after).toBeUndefined();
    expect(recall.peek('a')).toBeUndefined();
  });

  test('unknown keys are asked for anew, failures are passed on and not remembered', async () => {
    let answer: () => Promise<string | undefined> = () => Promise.resolve(undefined);
    const recall = createRecall(() => answer(), 10);
    expect(await recall.get('a')).toBeUndefined();
    answer = () => Promise.reject(new Error('no database'));
    await expect(recall.get('a')).rejects.toThrow('no database');
    answer = () => Promise.resolve('ana');
    expect(await recall.get('a')).toBe('ana');
  });

  test('holds only so many', async () => {
    const recall = createRecall((key) => Promise.resolve(key), 2);
    for (const key of ['a', 'b', 'c']) await recall.get(key);
    expect(['a', 'b', 'c'].map((key) => recall.peek(key))).toEqual([undefined, 'b', 'c']);
  });
});
