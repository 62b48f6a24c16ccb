import type { RenderedRequest } from './record.ts';

/** Before the columns in a line of records.jsonl; after them stands RECORD_END. */
export const recordHead = (customId: string): string => `{"custom_id":"${customId}","record":`;
export const RECORD_END = '}';

/** One line of records.jsonl, without the newline. */
export const recordLine = ({ customId, record }: Pick<RenderedRequest, 'customId' | 'record'>): string =>
  recordHead(customId) + record.json + RECORD_END;

/**
 * The columns of one line of records.jsonl, null-prototype. Numbers that a double cannot hold are not exact, as in
 * templates of the first stage.
 */
export function parseRecordLine(line: string): Readonly<Record<string, unknown>> {
  const { record } = JSON.parse(line) as { record: Record<string, unknown> };
  return Object.assign(Object.create(null) as Record<string, unknown>, record);
}
