/**
 * Remembers what was looked up for less than a second, so that a busy caller costs a map look-up and what was revoked on any
 * instance is refused everywhere within a second, with or without Redis. Nothing unknown is remembered: a new key works at once.
 */
export interface Recall<T> {
  /** What was read less than a second ago; asks again in the background before that runs out. */
  peek(key: string): T | undefined;
  /** The same, or reads it. Rejects with what `load` throws: doubt never lets anybody in. */
  get(key: string): Promise<T | undefined>;
  /** After a revocation here: nothing read before now is used for a request that comes later. */
  forget(): void;
}

/** Age, on the monotonic clock from before the read, at which an entry is no longer used, and at which it is read anew. */
const USABLE_MS = 900;
const RENEW_MS = 450;

export function createRecall<T>(load: (key: string) => Promise<T | undefined>, maxEntries: number): Recall<T> {
  const entries = new Map<string, { value: T; readAt: number }>();
  const reading = new Map<string, { result: Promise<T | undefined>; began: number }>();
  let epoch = 0;

  const store = (key: string, value: T | undefined, readAt: number) => {
    entries.delete(key);
    if (value === undefined) return;
    entries.set(key, { value, readAt });
    if (entries.size > maxEntries) entries.delete(entries.keys().next().value!);
  };

  const read = (key: string): Promise<T | undefined> => {
    const began = performance.now();
    const present = reading.get(key);
    // A look-up stuck behind a slow database may have seen a world too old for who comes now.
    if (present && began - present.began < USABLE_MS) return present.result;
    const born = epoch;
    const result = load(key).then((value) => {
      if (born === epoch) store(key, value, began);
      return value;
    });
    reading.set(key, { result, began });
    const landed = () => void (reading.get(key)?.result === result && reading.delete(key));
    result.then(landed, landed);
    return result;
  };

  const peek = (key: string): T | undefined => {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    const age = performance.now() - entry.readAt;
    if (age >= USABLE_MS) return undefined;
    // A failure shows when the entry has run out and a caller reads for itself.
    if (age >= RENEW_MS) read(key).catch(() => undefined);
    return entry.value;
  };

  return {
    peek,
    get: async (key) => peek(key) ?? read(key),
    forget() {
      epoch++;
      entries.clear();
      reading.clear();
    },
  };
}
