import type { AnswerCheck } from './answer-check.ts';
import { type Judgement, judgeLongLine, judgeResult } from './judge.ts';
import type { Line } from './ports/files.ts';
import type { RequestIds } from './request-ids.ts';
import { customIdAtHead, customIdInHead, MAX_LINE_BYTES, parseResultLine } from './result-line.ts';
import type { ResultSeqs } from './result-seqs.ts';

// A custom_id has 64 characters at most, and `{"custom_id":"` and a quote stand around it.
const ID_HEAD_CHARACTERS = 80;

export interface RawRow {
  readonly kind: 'row';
  readonly seq: number;
  /** Among the requests of the shard. */
  readonly index: number;
  /** As on the wire. */
  readonly customId: string;
  readonly judgement: Judgement;
}

/** What one raw results line is to a shard. */
export type RawLine = RawRow | { readonly kind: 'unknown' | 'malformed'; readonly why: string };

/** The id that a raw line names; null when it names none. Cheap where it stands at the head of a whole line. */
export function idOfLine({ text, length }: Line): string | null {
  if (length > MAX_LINE_BYTES) return customIdInHead(text);
  const id = text.endsWith('}') ? customIdAtHead(text.slice(0, ID_HEAD_CHARACTERS)) : null;
  return id ?? parseResultLine(text)?.customId ?? null;
}

/** `ids` and `seqs` are the shard's, `check` that of its stage. */
export function readRawLine(
  line: Line,
  ids: RequestIds,
  seqs: ResultSeqs,
  check: AnswerCheck | null,
): RawLine {
  const isLong = line.length > MAX_LINE_BYTES;
  const parsed = isLong ? null : parseResultLine(line.text);
  const customId = isLong ? customIdInHead(line.text) : (parsed?.customId ?? null);
  if (customId === null) return { kind: 'malformed', why: 'a line that is not a result' };
  const seq = ids.seqOf(customId);
  const index = seq === null ? -1 : seqs.indexOf(seq);
  if (seq === null || index === -1)
    return { kind: 'unknown', why: `a result for ${shorten(customId)}, which was not sent` };
  const judgement = isLong ? judgeLongLine(line.text) : judgeResult(parsed?.result, check);
  return { kind: 'row', seq, index, customId, judgement };
}

/** An id of someone else may be anything. */
function shorten(customId: string): string {
  return JSON.stringify(customId.length > 80 ? `${customId.slice(0, 80)}…` : customId);
}
