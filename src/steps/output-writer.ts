import type { Job } from '../core/job.ts';
import type { JobFile } from '../core/job-file.ts';
import { writesNoFiles } from '../core/output-place.ts';
import { type JobFiles, type RangeReader, recordsPath } from '../core/ports/files.ts';
import type { LocalDeps } from './deps.ts';
import type { MadeRule } from './make-output.ts';
import { NeededAnswers } from './needed-answers.ts';
import {
  type AnsweredRow,
  asFile,
  type MakeOutput,
  OutputProblem,
  outputContent,
  writeOutput,
} from './write-outputs.ts';

/** What became of the output of one row. `none`: its job or its module wants no file. */
export type Written =
  | { readonly kind: 'written' | 'none' }
  | { readonly kind: 'refused'; readonly why: string };

const WRITTEN: Written = { kind: 'written' };
export const NO_OUTPUT: Written = { kind: 'none' };

/**
 * Writes the outputs of good rows as the job said when it was built, one after the other, so that memory holds one of them.
 * Templates and modules are loaded when the first row asks for them. Close it when done.
 */
export class OutputWriter {
  readonly #job: Job;
  readonly #needed: NeededAnswers;
  readonly #frozen: JobFile | null;
  readonly #files: JobFiles;
  readonly #signal: AbortSignal;
  readonly #rules = new Map<string, MadeRule>();
  readonly #silent = new Set<string>();
  readonly #makers = new Map<string, MakeOutput>();
  #records: RangeReader | null = null;

  constructor(
    job: Job,
    frozen: JobFile | null,
    deps: Pick<LocalDeps, 'store' | 'files'>,
    signal: AbortSignal,
  ) {
    this.#job = job;
    this.#needed = new NeededAnswers(job, deps);
    this.#frozen = frozen;
    this.#files = deps.files;
    this.#signal = signal;
    for (const stage of frozen?.stages ?? []) {
      const { name, output } = stage;
      if (writesNoFiles(stage)) this.#silent.add(name);
      if (output !== null && isMade(output)) this.#rules.set(name, output);
    }
  }

  /** Whether nothing of a stage is written. */
  isSilent(stage: string): boolean {
    return this.#silent.has(stage);
  }

  /** Whether the outputs of a stage are made from its records too. */
  needsRecord(stage: string): boolean {
    return this.#rules.has(stage);
  }

  /** Done at once where the answer itself is written. */
  write(row: AnsweredRow, path: string): Written | Promise<Written> {
    if (this.isSilent(row.stage)) return NO_OUTPUT;
    const rule = this.#rules.get(row.stage);
    return rule === undefined
      ? this.#put(path, outputContent(row.judgement, row.line))
      : this.#writeMade(rule, row, path);
  }

  /** What the file of a row holds as long as nobody has changed it. Null: no file, or one that a module of the user's makes. */
  async contentOf(row: AnsweredRow): Promise<string | null> {
    if (this.isSilent(row.stage)) return null;
    const rule = this.#rules.get(row.stage);
    if (rule === undefined) return asFile(outputContent(row.judgement, row.line));
    if (rule.content.kind === 'module') return null;
    try {
      const made = await this.#make(rule, row);
      return made === null ? null : asFile(made);
    } catch (error) {
      if (error instanceof OutputProblem) return null;
      throw error;
    }
  }

  close(): void {
    this.#records?.close();
    this.#records = null;
    this.#needed.close();
  }

  async #writeMade(rule: MadeRule, row: AnsweredRow, path: string): Promise<Written> {
    try {
      const content = await this.#make(rule, row);
      return content === null ? NO_OUTPUT : this.#put(path, content);
    } catch (error) {
      if (error instanceof OutputProblem) return { kind: 'refused', why: error.message };
      throw error;
    }
  }

  /** Null: its module wants no file. @throws OutputProblem */
  async #make(rule: MadeRule, row: AnsweredRow): Promise<string | null> {
    const make = await this.#maker(row.stage, rule);
    this.#records ??= this.#files.open(recordsPath(this.#files.requestsDir(this.#job.jobId)));
    const recordLine = this.#records.read(row.recordOffset, row.recordLength);
    const needs = await this.#needed.of(row.stage, row.seq);
    return unlessAborted(make(row, { recordLine, needs }), this.#signal);
  }

  async #maker(stage: string, rule: MadeRule): Promise<MakeOutput> {
    const known = this.#makers.get(stage);
    if (known !== undefined) return known;
    const place = {
      jobId: this.#job.jobId,
      path: this.#frozen?.path ?? '',
      dir: this.#frozen?.dir ?? '',
    };
    // Only here is the template engine needed.
    const { outputMaker } = await import('./make-output.ts');
    const maker = await outputMaker(rule, place, this.#files);
    this.#makers.set(stage, maker);
    return maker;
  }

  #put(path: string, content: string): Written {
    const why = writeOutput(this.#files, path, content, this.#job.spec);
    return why === null ? WRITTEN : { kind: 'refused', why };
  }
}

function isMade(output: NonNullable<JobFile['stages'][number]['output']>): output is MadeRule {
  return output.content.kind === 'template' || output.content.kind === 'module';
}

/** A module may wait for something that never comes; an interruption must not wait with it. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
