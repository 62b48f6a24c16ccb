import type { Clock } from '../core/ports/clock.ts';
import type { ServerStamp } from '../core/ports/provider.ts';

/**
 * The server's time, from the `Date` of its answers and a clock of ours that never jumps. Windows of a doubt are compared
 * in it, so a wrong clock on this machine decides nothing. Resolution: a second, and never ahead of the server.
 */
export interface ServerTime {
  note(stamp: ServerStamp): void;
  /** Falls back to this machine's clock until an answer carried a `Date`; `isKnown` tells which. */
  nowMs(): number;
  isKnown(): boolean;
}

export function createServerTime(clock: Clock): ServerTime {
  let offsetMs: number | null = null;
  return {
    note(stamp) {
      if (stamp.serverMs === null) return;
      // `Date` is cut to the second, so the largest offset seen is the nearest to the truth; a server clock that was
      // set back, or runs at another rate, is followed.
      const seen = stamp.serverMs - clock.monotonicMs();
      const isDrift = offsetMs !== null && seen < offsetMs - 2_000;
      if (offsetMs === null || seen > offsetMs || isDrift) offsetMs = seen;
    },
    nowMs: () => (offsetMs === null ? clock.now().getTime() : Math.floor(offsetMs + clock.monotonicMs())),
    isKnown: () => offsetMs !== null,
  };
}
