import { type Job, neededStages } from '../core/job.ts';
import { type StageAnswer, stageAnswer } from '../core/stage-answer.ts';
import type { LocalDeps } from './deps.ts';
import { openRawReaders, type RawReaders } from './raw-readers.ts';

/** The answers that a row of a later stage was made from, for what is written from its own. Close it when done. */
export class NeededAnswers {
  readonly #job: Job;
  readonly #deps: Pick<LocalDeps, 'store' | 'files'>;
  #readers: RawReaders | null = null;

  constructor(job: Job, deps: Pick<LocalDeps, 'store' | 'files'>) {
    this.#job = job;
    this.#deps = deps;
  }

  /** Stage → answer; empty for a stage that needs none. */
  async of(stage: string, seq: number): Promise<Readonly<Record<string, StageAnswer>>> {
    const { store, files } = this.#deps;
    const answers: Record<string, StageAnswer> = {};
    for (const need of neededStages(this.#job, stage)) {
      const [row] = await store.rowsOf(need.id, [seq]);
      this.#readers ??= await openRawReaders(this.#job, files);
      const answer = row === undefined ? null : this.#readers.answerOf(row);
      if (answer !== null) answers[need.name] = stageAnswer(answer.judgement);
    }
    return answers;
  }

  close(): void {
    this.#readers?.close();
    this.#readers = null;
  }
}
