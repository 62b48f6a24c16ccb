import { canceledLine } from '../core/answer-line.ts';
import type { Job } from '../core/job.ts';
import { growingPath, rawPath } from '../core/ports/files.ts';
import { parseRequestLine, type RequestLine } from '../core/request-line.ts';
import { customIdAtHead } from '../core/result-line.ts';
import { ResultSeqs } from '../core/result-seqs.ts';
import type { Shard } from '../core/shard.ts';
import { parseWireId } from '../core/wire-id.ts';
import { requireShardFile } from './check-shard-file.ts';
import type { LocalDeps } from './deps.ts';

/** The answers to the requests of one shard that are asked one by one, as far as they have come. */
export interface Answers {
  readonly shard: Shard;
  /** How many requests have one. */
  readonly count: number;
  readonly isComplete: boolean;
  /** The requests without one, in order; what is answered meanwhile may still come. */
  unanswered(): AsyncGenerator<RequestLine>;
  /** Appends the line of a request. Not fsynced: `sync`, `record` and `close` do that. */
  write(seq: number, line: string): void;
  sync(): void;
  /** Once it is complete: gives the file its name and records it, as a download would be. */
  record(): Promise<void>;
  /** Keeps what is there for the next run; nothing where nothing is. */
  close(): void;
}

// `{"custom_id":"`, 64 characters and a quote.
const ID_HEAD = 80;

/**
 * Goes on with what earlier runs wrote: a line that is there is an answer that was paid, and is never asked for again.
 * The caller holds the job's lock.
 *
 * @throws StoreError when the shard file is not the one that was built.
 */
export async function openAnswers(job: Job, shard: Shard, deps: LocalDeps): Promise<Answers> {
  const { store, files } = deps;
  const requests = await requireShardFile(job, shard, deps);
  const raw = rawPath(files.resultsDir(job.jobId), shard.stage, shard.number);
  const file = files.grow(raw, { private: job.spec.private });
  const seqs = new ResultSeqs(await store.shardSeqs(shard.id));
  const known = new Uint8Array(seqs.size);

  const mark = (seq: number): void => {
    const index = seqs.indexOf(seq);
    if (index === -1) throw new RangeError(`request ${seq} is not of shard ${shard.number}`);
    known[index] = 1;
    seqs.mark(index);
  };

  try {
    for await (const lines of files.lines(growingPath(raw))) {
      for (const { text } of lines) {
        const id = customIdAtHead(text.slice(0, ID_HEAD));
        const wire = id === null ? null : parseWireId(id);
        // What is no line of ours (zeros, after a power loss) is told by `verify`; its request is asked again.
        if (wire?.nonce === shard.nonce && seqs.indexOf(wire.seq) !== -1) mark(wire.seq);
      }
    }
  } catch (error) {
    file.close();
    throw error;
  }

  return {
    shard,
    get count() {
      return seqs.distinct;
    },
    get isComplete() {
      return seqs.distinct === seqs.size;
    },
    async *unanswered() {
      for await (const lines of files.lines(requests)) {
        for (const { text } of lines) {
          const request = parseRequestLine(text);
          if (known[seqs.indexOf(request.seq)] === 0) yield request;
        }
      }
    },
    write(seq, line) {
      file.append(line);
      mark(seq);
    },
    sync: () => file.sync(),
    async record() {
      file.finish();
      await store.recordDownload(shard.id, { bytes: files.size(raw), sha256: await files.sha256(raw) });
    },
    close() {
      file.close();
      const growing = growingPath(raw);
      if (files.exists(growing) && files.size(growing) === 0) files.remove(growing);
    },
  };
}

/** Every request without an answer gets the word that it was never asked. */
export async function cancelUnanswered(answers: Answers): Promise<void> {
  for await (const { seq, wireId } of answers.unanswered()) answers.write(seq, canceledLine(wireId));
}

/** Whether any answer of the shard may be there: nothing is opened. */
export function hasAnswers(job: Job, shard: Shard, { files }: Pick<LocalDeps, 'files'>): boolean {
  const raw = rawPath(files.resultsDir(job.jobId), shard.stage, shard.number);
  return files.exists(raw) || files.exists(growingPath(raw));
}
