import type { FaultBench, Finished } from './bench.ts';

/**
 * One line of the catalogue of faults. Its letter names the step: S read source, B build, P split, I intent, C create,
 * D record the id, L poll, R results, W write files, X export, T retry, K cancel, Q two processes, M the database file,
 * Z security, G goals in numbers.
 */
export interface FaultRow {
  /** As `C5`. */
  readonly row: string;
  /** What goes wrong. */
  readonly fault: string;
  /** What batchctl is to do about it. */
  readonly expected: string;
  /** The proof: cases that are run here … */
  readonly cases?: readonly FaultCase[];
  /** … tests that stand elsewhere, by file (from `test/`) and whole title … */
  readonly shownBy?: readonly ShownBy[];
  /** … or why the row does not fit batchctl. A row needs at least one of the three. */
  readonly reason?: string;
}

export interface ShownBy {
  readonly file: string;
  /** As it is written in that file, without what `%s` and the like stand for. */
  readonly title: string;
}

/** A job of `records` rows on an emulator of its own, the commands of a user's night in order, and what is true after. */
export interface FaultCase {
  /** A sentence that can be wrong. */
  readonly says: string;
  /** 15 where not given. */
  readonly records?: number;
  /** Requests a shard at most; 10 where not given. */
  readonly shard?: number;
  /** Lines added to the job file. */
  readonly jobFile?: string;
  /** Server seconds until a batch ends; 0.3 where not given. */
  readonly batchSeconds?: number;
  readonly steps: readonly Step[];
  /** What must hold in the end; `null` where a case looks for itself in the last step's `after`. */
  readonly ends?: Ending | null;
}

/** One command, run to its end as a child process. */
export interface Step {
  readonly before?: (bench: FaultBench) => void | Promise<void>;
  /** Faults of the emulator from here on; as they are where not given. */
  readonly faults?: readonly string[];
  /** As typed. `SUBMIT`, `RESUME` and `RETRIEVE` of bench.ts spare the flags of pace. */
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where in the child something happens to it: see failpoint.ts. */
  readonly failpoint?: string;
  readonly exit: number | NodeJS.Signals;
  /** The `code` of the error that `--json` gives. */
  readonly error?: string;
  /** Create calls that the emulator has seen so far, whole or not. */
  readonly posts?: number;
  /** Batches of ours that it has so far. */
  readonly batches?: number;
  readonly after?: (bench: FaultBench, finished: Finished) => void | Promise<void>;
}

/** `done`, every row succeeded and one batch a shard, where nothing else is said. */
export interface Ending {
  readonly state?: string;
  readonly succeeded?: number;
  /** Class of failure → rows. */
  readonly failures?: Readonly<Record<string, number>>;
  readonly batches?: number;
  /** Requests of all batches of ours together: more than `records` only where rows were to go out again. */
  readonly sent?: number;
}
