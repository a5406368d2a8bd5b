/** A map that forgets what was used longest ago, bounded by entries and by weight. Not aware of time. */
export interface Lru<V> {
  readonly size: number;
  readonly weight: number;
  get(key: string): V | undefined;
  set(key: string, value: V, weight?: number): void;
  delete(key: string): void;
  clear(): void;
}

export function createLru<V>(maxEntries: number, maxWeight = Infinity): Lru<V> {
  const map = new Map<string, { value: V; weight: number }>();
  let total = 0;
  const drop = (key: string) => {
    const entry = map.get(key);
    if (entry === undefined) return;
    total -= entry.weight;
    map.delete(key);
  };
  return {
    get size() {
      return map.size;
    },
    get weight() {
      return total;
    },
    get(key) {
      const entry = map.get(key);
      if (entry === undefined) return undefined;
      map.delete(key);
      map.set(key, entry);
      return entry.value;
    },
    set(key, value, weight = 1) {
      drop(key);
      if (weight > maxWeight) return;
      map.set(key, { value, weight });
      total += weight;
      while (map.size > maxEntries || total > maxWeight) drop(map.keys().next().value!);
    },
    delete: drop,
    clear() {
      map.clear();
      total = 0;
    },
  };
}
