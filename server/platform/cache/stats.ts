/** Exact counts since the start; metrics are read from here. */
export interface CacheStats {
  /** Reads answered from the cache, and all the others. */
  hits: number;
  misses: number;
  /** Calls of a `load`, and those that threw. */
  loads: number;
  load_errors: number;
  /** Loaded values stored, and refused because a topic was written or the lease was lost. */
  fills: number;
  fills_refused: number;
  /** Misses that waited for another reader's load: in this process, on another instance. */
  joined: number;
  waited: number;
  /** Hot entries renewed before they expired. */
  renewals: number;
  prefills: number;
  prefills_refused: number;
  /** Misses that asked no driver, because none can be trusted now. */
  bypassed: number;
  /** Writes and invalidations of topics. */
  invalidations: number;
  /** Invalidations that Redis was not told, kept as rows; and topics applied from rows. */
  rows_written: number;
  topics_applied: number;
  breaker_opens: number;
  timeouts: number;
  switches: number;
  limited: number;
}

export function newStats(): CacheStats {
  return {
    hits: 0,
    misses: 0,
    loads: 0,
    load_errors: 0,
    fills: 0,
    fills_refused: 0,
    joined: 0,
    waited: 0,
    renewals: 0,
    prefills: 0,
    prefills_refused: 0,
    bypassed: 0,
    invalidations: 0,
    rows_written: 0,
    topics_applied: 0,
    breaker_opens: 0,
    timeouts: 0,
    switches: 0,
    limited: 0,
  };
}
