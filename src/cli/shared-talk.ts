import type { Job } from '../core/job.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Progress, ReportProgress } from '../core/ports/progress.ts';
import type { Talk } from './progress.ts';
import { describeProgress } from './progress-text.ts';

type SharedPart = Pick<Talk, 'report' | 'startSpinner' | 'isLive'>;
type Polled = Extract<Progress, { kind: 'polled' }>;

/** Whether something is a line does not depend on the time. */
const NO_TIME = new Date(0);

/** How one of the jobs waits. */
interface Standing {
  readonly polled: Polled;
  /** This machine's monotonic time, as is the next one. */
  readonly atMs: number;
  readonly wakeMs: number;
}

/** The talk of several jobs that take turns: which of them a line is about, and one sum of how all of them wait. */
export class SharedTalk {
  readonly #talk: SharedPart;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #polled = new Map<number, { readonly polled: Polled; readonly atMs: number }>();
  readonly #standings = new Map<number, Standing>();
  #told: number | null = null;
  /** What each has said of its wait for room, while it has told nothing else since. */
  readonly #queued = new Map<number, string>();

  constructor(talk: SharedPart, clock: Pick<Clock, 'monotonicMs'>) {
    this.#talk = talk;
    this.#clock = clock;
  }

  /** What the job tells, under its name. */
  reportOf({ id, jobId }: Job): ReportProgress {
    return (progress) => {
      if (progress.kind === 'polled') {
        this.#polled.set(id, { polled: progress, atMs: this.#clock.monotonicMs() });
        return;
      }
      const isLine = describeProgress(progress, NO_TIME).line !== null;
      if (isLine && this.#isSaid(id, progress)) return;
      if (this.#told !== id && (isLine || !this.#talk.isLive())) {
        this.#talk.report({ kind: 'notice', text: `job ${jobId}:` });
        this.#told = id;
      }
      this.#talk.report(progress);
    };
  }

  /** Sending is tried in one phase and waited for in the next: the same wait is said once. */
  #isSaid(id: number, progress: Progress): boolean {
    if (progress.kind !== 'queue_full') {
      this.#queued.delete(id);
      return false;
    }
    const { stage, shard, inFlight, limit } = progress;
    const wait = [stage, shard, inFlight, limit].join(' ');
    const isSaid = this.#queued.get(id) === wait;
    this.#queued.set(id, wait);
    return isSaid;
  }

  /** The job waits from here on for so long, or until it is woken. */
  async wait({ id }: Job, ms: number): Promise<void> {
    const known = this.#polled.get(id);
    const wakeMs = this.#clock.monotonicMs() + ms;
    if (known !== undefined) this.#standings.set(id, { ...known, wakeMs });
    // Whoever prints takes it away, and another job's end ends it.
    await this.#talk.startSpinner();
    this.#tellAll();
  }

  /** The job has nothing more to wait for. */
  leave({ id }: Job): void {
    this.#polled.delete(id);
    this.#standings.delete(id);
  }

  #tellAll(): void {
    const all = [...this.#standings.values()];
    if (all.length === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const sum = (of: (polled: Polled) => number): number =>
      all.reduce((total, { polled }) => total + of(polled), 0);
    this.#talk.report({
      kind: 'polled',
      pending: sum(({ pending }) => pending),
      ended: sum(({ ended }) => ended),
      doubts: sum(({ doubts }) => doubts),
      requests: sum(({ requests }) => requests),
      elapsedMs: Math.max(...all.map(({ polled, atMs }) => polled.elapsedMs + nowMs - atMs)),
      nextLookMs: Math.max(0, Math.min(...all.map(({ wakeMs }) => wakeMs)) - nowMs),
      ...sumRooms(all, nowMs),
    });
  }
}

/** All that waits for room, which waits for the same one. */
function sumRooms(all: readonly Standing[], nowMs: number): Pick<Polled, 'room'> {
  const rooms = all.flatMap(({ polled: { room }, atMs }) =>
    room === undefined ? [] : [{ ...room, agoMs: nowMs - atMs }],
  );
  if (rooms.length === 0) return {};
  const tries = rooms.flatMap(({ nextTryMs, agoMs }) => (nextTryMs === null ? [] : [nextTryMs - agoMs]));
  return {
    room: {
      requests: rooms.reduce((sum, { requests }) => sum + requests, 0),
      inFlight: Math.max(...rooms.map(({ inFlight }) => inFlight)),
      waitedMs: Math.max(...rooms.map(({ waitedMs, agoMs }) => waitedMs + agoMs)),
      nextTryMs: tries.length === 0 ? null : Math.max(0, Math.min(...tries)),
    },
  };
}
