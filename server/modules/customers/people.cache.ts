/** Where what is cached about a person lies, and how it leaves for good. */
import type { CachedValue } from '#platform/cache/cache';

/** The tutor's row. */
export const profileKey = (id: string): string => `user:${id}:profile`;

/** The customer's view. */
export const overviewKey = (id: string): string => `user:${id}:overview`;

/** An invalidated entry is never found again, yet its bytes lie there until their time is up; these overwrite them, and end at once. */
export function overwriting(ids: readonly string[]): CachedValue[] {
  return ids.flatMap((id) => {
    const entry = { topics: [`person:${id}`], ttlSeconds: 0.001, value: null };
    return [
      { ...entry, key: profileKey(id) },
      { ...entry, key: overviewKey(id) },
    ];
  });
}
