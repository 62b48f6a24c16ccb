import type { AnswerCheck } from './answer-check.ts';
import { type Judgement, judgeLongLine, judgeResult } from './judge.ts';
import type { Line } from './ports/files.ts';
import { customIdInHead, MAX_LINE_BYTES, parseResultLine } from './result-line.ts';
import type { ResultSeqs } from './result-seqs.ts';
import { parseWireId } from './wire-id.ts';

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

/** `check` is that of the shard's stage. */
export function readRawLine(line: Line, nonce: string, seqs: ResultSeqs, check: AnswerCheck | null): RawLine {
  const isLong = line.length > MAX_LINE_BYTES;
  const parsed = isLong ? null : parseResultLine(line.text);
  const customId = isLong ? customIdInHead(line.text) : (parsed?.customId ?? null);
  if (customId === null) return { kind: 'malformed', why: 'a line that is not a result' };
  const wire = parseWireId(customId);
  const index = wire?.nonce === nonce ? seqs.indexOf(wire.seq) : -1;
  if (wire === null || index === -1)
    return { kind: 'unknown', why: `a result for ${shorten(customId)}, which was not sent` };
  const judgement = isLong ? judgeLongLine(line.text) : judgeResult(parsed?.result, check);
  return { kind: 'row', seq: wire.seq, index, customId, judgement };
}

/** An id of someone else may be anything. */
function shorten(customId: string): string {
  return JSON.stringify(customId.length > 80 ? `${customId.slice(0, 80)}…` : customId);
}
