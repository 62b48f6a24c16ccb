import { escapeJson, escapeLines, escapeText } from '../core/escape.ts';

/** The data of a command, on stdout. Nothing else writes there. */
export interface Output {
  /** True once the reader has gone (`| head`); what is written after that is dropped, quietly. */
  readonly isClosed: boolean;
  /** Waits while the reader is slow, so that a long stream does not pile up in memory. */
  write(text: string): Promise<void>;
  /** What is the user's, byte for byte; only on a terminal it is shown safely, as `line` does it. */
  data(text: string | Uint8Array): Promise<void>;
  /** Shown safely: only line ends and tabs survive of all control characters. */
  line(text: string): Promise<void>;
  json(document: unknown): Promise<void>;
  /** A document inside a larger one, without a line end. */
  jsonPiece(document: unknown): Promise<void>;
}

export function makeOutput(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): Output {
  let isClosed = false;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') isClosed = true;
  });

  const write = (text: string | Uint8Array): Promise<void> =>
    new Promise((resolve) => {
      if (isClosed) resolve();
      else stream.write(text, () => resolve());
    });

  // A character may be cut in two by the end of a chunk.
  const decoder = new TextDecoder();
  const shown = (text: string | Uint8Array): string =>
    escapeLines(typeof text === 'string' ? text : decoder.decode(text, { stream: true }));

  return {
    get isClosed() {
      return isClosed;
    },
    write,
    data: (text) => write(stream.isTTY === true ? shown(text) : text),
    line: (text) => write(`${escapeLines(text)}\n`),
    json: (document) => write(`${escapeJson(JSON.stringify(document, null, 2))}\n`),
    jsonPiece: (document) => write(escapeJson(JSON.stringify(document))),
  };
}

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'right';
}

/** Columns as wide as their widest value, two spaces between them; values are escaped here. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => escapeText(column.value(row))));
  const lines = [columns.map((column) => column.title), ...cells];
  const widths = columns.map((_column, index) =>
    Math.max(...lines.map((line) => widthOf(line[index] ?? ''))),
  );
  return lines
    .map((line) =>
      line
        .map((cell, index) => pad(cell, index))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');

  function pad(cell: string, index: number): string {
    const missing = ' '.repeat((widths[index] ?? 0) - widthOf(cell));
    return columns[index]?.align === 'right' ? missing + cell : cell + missing;
  }
}

/** Characters as a reader counts them; close enough for ids, states and group names. */
function widthOf(text: string): number {
  return [...text].length;
}

/** `12,345`. Not by Intl, which costs more than the rest of `list` together. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `1 request`, `8,412 requests`. */
export function formatMany(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `2026-03-01 14:22 UTC` from RFC 3339; the text itself, escaped, when it is something else. */
export function formatTime(at: string): string {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) return escapeText(at);
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
