import { cutAnswer } from '../core/cut-answer.ts';
import type { Job } from '../core/job.ts';
import { type Judgement, judgeLongLine, judgeResult } from '../core/judge.ts';
import { type JobFiles, rawPath } from '../core/ports/files.ts';
import type { RowView } from '../core/ports/store-views.ts';
import { LINE_HEAD_BYTES, MAX_LINE_BYTES, parseResultLine } from '../core/result-line.ts';
import { type AnswerChecks, loadChecks } from './answer-checks.ts';
import { RangeReaders } from './range-readers.ts';

export interface Answer {
  readonly judgement: Judgement;
  /** The raw line; for one that is too long to be parsed, its head. */
  readonly line: string;
  /** Where the text of a long answer was not parsed: its JSON. */
  readonly textJson?: string;
}

/** The answers of a job, judged as when they came. Close it when done. */
export async function openRawReaders(job: Pick<Job, 'jobId' | 'spec'>, files: JobFiles): Promise<RawReaders> {
  return new RawReaders(files, files.resultsDir(job.jobId), await loadChecks(job, files));
}

/** Reads the raw lines of rows from wherever they stand, keeping few files open. Close it when done. */
export class RawReaders {
  readonly #resultsDir: string;
  readonly #checks: AnswerChecks;
  readonly #readers: RangeReaders;

  constructor(files: JobFiles, resultsDir: string, checks: AnswerChecks) {
    this.#readers = new RangeReaders(files);
    this.#resultsDir = resultsDir;
    this.#checks = checks;
  }

  /**
   * Null for a row without a raw line (missing, or canceled before it was sent). `textAs`: what is wanted of its text; JSON
   * need not be parsed.
   */
  answerOf(
    row: Pick<RowView, 'stage' | 'shardNumber' | 'rawOffset' | 'rawLength'>,
    textAs: 'text' | 'json' = 'text',
  ): Answer | null {
    const { rawOffset, rawLength, shardNumber } = row;
    if (rawOffset === null || rawLength === null || shardNumber === null) return null;
    const isLong = rawLength > MAX_LINE_BYTES;
    const path = rawPath(this.#resultsDir, row.stage, shardNumber);
    const line = this.#readers.read(path, rawOffset, isLong ? LINE_HEAD_BYTES : rawLength);
    const check = this.#checks.get(row.stage) ?? null;
    const cut = textAs === 'json' && check === null && !isLong ? cutAnswer(line) : null;
    if (cut !== null) return { ...cut, line };
    const judgement = isLong ? judgeLongLine(line) : judgeResult(parseResultLine(line)?.result, check);
    return { judgement, line };
  }

  close(): void {
    this.#readers.close();
  }
}
