import { type Batch, sumCounts } from '../core/batch.ts';
import { AuthError } from '../core/errors.ts';
import { parseWireId } from '../core/wire-id.ts';
import type { Deps } from './deps.ts';
import type { Run } from './run.ts';

/**
 * So many lines without our nonce say that a batch is not ours. One would do for a faithful server; a stray line at the
 * head must not lead to a second payment.
 */
const LINES_ASKED = 20;
/** A first line longer than this is waited for no further; the batch stays provisional. */
const LONGEST_LINE = 64 * 1024 * 1024;

export type Proof = 'ours' | 'foreign' | 'not_yet';

/**
 * Whose an ended batch is: the nonce in the custom_ids of its results. Nothing is written and the connection is closed
 * after a few lines, so a colleague's answers never reach the disk.
 */
export async function proveBatch(run: Run, batch: Batch, nonce: string, signal: AbortSignal): Promise<Proof> {
  const found = await findNonce(run, batch, new Set([nonce]), signal);
  return found === 'foreign' || found === 'not_yet' ? found : 'ours';
}

/**
 * The same for many shards at once, with one reading: the nonce that the batch is of. Results never change, so that a batch
 * which is read to the end of the question is not read again for the next shard.
 */
export async function findNonce(
  run: Run,
  batch: Batch,
  nonces: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<{ readonly nonce: string } | Exclude<Proof, 'ours'>> {
  const read = run.heads.get(batch.id);
  if (read !== undefined) {
    const nonce = [...nonces].find((one) => read.has(one));
    return nonce === undefined ? 'foreign' : { nonce };
  }
  const head = new Set<string>();
  let foreign = 0;
  try {
    for await (const id of firstIds(batch, run.deps, signal)) {
      const nonce = parseWireId(id)?.nonce;
      if (nonce !== undefined && nonces.has(nonce)) return { nonce };
      if (nonce !== undefined) head.add(nonce);
      foreign += 1;
    }
  } catch (error) {
    // Results may be «not found» for a while after the end, and a stream may break: the next look asks again.
    signal.throwIfAborted();
    // A key that may not read them says nothing about whose they are.
    if (error instanceof AuthError) throw error;
    return 'not_yet';
  }
  // A stream that ended early may hide the rest, so a short batch needs a line for each of its requests.
  if (foreign === 0 || foreign < Math.min(LINES_ASKED, sumCounts(batch.counts))) return 'not_yet';
  run.heads.set(batch.id, head);
  return 'foreign';
}

/** The custom_ids at the head of a batch's results, in the order of the stream. Throws what the stream throws. */
export async function* firstIds(
  batch: Batch,
  { provider }: Pick<Deps, 'provider'>,
  signal: AbortSignal,
): AsyncGenerator<string> {
  let rest = '';
  let told = 0;
  const decoder = new TextDecoder();
  const { bytes } = await provider.openResults(batch, signal);
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new Error('the first line is too long to be waited for');
    for (const id of lines.map(customIdOf)) {
      if (id === null) continue;
      yield id;
      told += 1;
      if (told === LINES_ASKED) return;
    }
  }
}

function customIdOf(line: string): string | null {
  try {
    const id = (JSON.parse(line) as { custom_id?: unknown } | null)?.custom_id; // any JSON may stand there
    return typeof id === 'string' ? id : null;
  } catch {
    return null;
  }
}
