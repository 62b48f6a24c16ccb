/** Time and chance, so that tests can stand in for both. No other module asks for either. */
export interface Clock {
  /** Wall time of this machine. Printed and recorded, never used to decide what may have happened at the API. */
  now(): Date;
  /** Milliseconds that never jump. */
  monotonicMs(): number;
  /** 0 ≤ n < 1. */
  random(): number;
  randomBytes(length: number): Uint8Array;
  /** Ends early, without an error, when the signal fires, and never else: by `monotonicMs` the whole of it has passed. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
