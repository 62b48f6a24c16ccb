import { isUtf8 } from 'node:buffer';

/** Where the first byte stands that is not part of valid UTF-8, or -1. */
export function findInvalidUtf8(bytes: Uint8Array): number {
  if (isUtf8(bytes)) return -1;
  let position = 0;
  while (position < bytes.length) {
    const length = sequenceLength(bytes, position);
    if (length === 0) return position;
    position += length;
  }
  return -1;
}

/** How many bytes at the end are the beginning of a character whose rest is not there: 0 to 3. */
export function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return wanted > back ? back : 0;
    }
  }
  return 0;
}

/** The length of the well-formed character at `position` (Unicode 17, table 3-7), or 0. */
function sequenceLength(bytes: Uint8Array, position: number): number {
  const first = bytes[position] ?? 0;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  for (let index = 1; index < length; index += 1) {
    const byte = bytes[position + index] ?? 0;
    if (byte < (index === 1 ? lowest : 0x80) || byte > (index === 1 ? highest : 0xbf)) return 0;
  }
  return length;
}

/** What a file is that is not UTF-8 text, and the way out. */
export interface ForeignContent {
  readonly what: string;
  readonly next: (file: string) => string;
}

const SIGNATURES: readonly { readonly bytes: readonly number[]; readonly content: ForeignContent }[] = [
  {
    bytes: [0x1f, 0x8b],
    content: {
      what: 'gzip',
      next: (file) =>
        `unpack it first: gunzip -c ${file} > ${file.replace(/\.gz$/, '')}${file.endsWith('.gz') ? '' : '.txt'}`,
    },
  },
  {
    bytes: [0x28, 0xb5, 0x2f, 0xfd],
    content: { what: 'zstd', next: (file) => `unpack it first: zstd -d ${file}` },
  },
  {
    bytes: [0x50, 0x4b, 0x03, 0x04],
    content: {
      what: 'a zip archive or an Excel workbook',
      next: () => 'unpack it, or save the sheet as CSV (UTF-8)',
    },
  },
  {
    bytes: [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1],
    content: { what: 'an old Excel or Word file', next: () => 'save the sheet as CSV (UTF-8)' },
  },
  {
    bytes: [...Buffer.from('%PDF-')],
    content: { what: 'a PDF', next: () => 'make text of it first, or name it under "attach"' },
  },
  {
    bytes: [0x89, ...Buffer.from('PNG\r\n'), 0x1a, 0x0a],
    content: { what: 'a PNG image', next: () => 'name it under "attach"' },
  },
  {
    bytes: [0xff, 0xd8, 0xff],
    content: { what: 'a JPEG image', next: () => 'name it under "attach"' },
  },
  {
    bytes: [0xfd, ...Buffer.from('7zXZ\0')],
    content: { what: 'xz', next: (file) => `unpack it first: xz -dk ${file}` },
  },
  {
    bytes: [...Buffer.from('BZh91AY&SY')],
    content: { what: 'bzip2', next: (file) => `unpack it first: bunzip2 -k ${file}` },
  },
  {
    bytes: [...Buffer.from('SQLite format 3\0')],
    content: { what: 'an SQLite database', next: () => 'read it with "source.sqlite" and a query' },
  },
  // A data page's header begins with 0x15; text may well begin with PAR1.
  {
    bytes: [...Buffer.from('PAR1'), 0x15],
    content: { what: 'a Parquet file', next: () => 'read it with "source.parquet"' },
  },
  { bytes: [0xff, 0xfe], content: utf16('UTF-16LE') },
  { bytes: [0xfe, 0xff], content: utf16('UTF-16BE') },
];

/** Recognises compressed files, databases and UTF-16 by their first 16 bytes; null for what may be UTF-8. */
export function foreignContent(head: Uint8Array): ForeignContent | null {
  for (const { bytes, content } of SIGNATURES) {
    if (bytes.every((byte, index) => head[index] === byte)) return content;
  }
  // UTF-16 without a byte order mark: ASCII text has a NUL in every other byte.
  if (head.length >= 4 && head[0] !== 0 && head[1] === 0 && head[2] !== 0 && head[3] === 0)
    return utf16('UTF-16LE');
  if (head.length >= 4 && head[0] === 0 && head[1] !== 0 && head[2] === 0 && head[3] !== 0)
    return utf16('UTF-16BE');
  return null;
}

function utf16(encoding: string): ForeignContent {
  return {
    what: encoding,
    next: (file) => `convert it: iconv -f ${encoding.slice(0, 6)} -t UTF-8 ${file} > utf8.txt`,
  };
}

/** Whether the bytes begin with the UTF-8 byte order mark, which is no part of the text. */
export function hasByteOrderMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}
