import { type FileHandle, open } from 'node:fs/promises';
import { createLineSplitter } from '../core/lines.ts';
import type { Line } from '../core/ports/files.ts';
import { LINE_HEAD_BYTES, MAX_LINE_BYTES } from '../core/result-line.ts';

const CHUNK_BYTES = 1 << 18;

/** Lines of a file by chunks of about a megabyte. Bytes that are not UTF-8 become U+FFFD; the file keeps them. */
export async function* readLineChunks(path: string): AsyncGenerator<readonly Line[]> {
  const file = await open(path, 'r');
  try {
    const splitter = createLineSplitter(MAX_LINE_BYTES, { reuse: true });
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, null);
      const cut = bytesRead === 0 ? splitter.end() : splitter.push(buffer.subarray(0, bytesRead));
      const lines: Line[] = [];
      for (const { offset, sizeBytes, bytes } of cut) {
        const text = bytes === null ? await readHead(file, offset) : bytes.toString('utf8');
        if (!isBlank(text)) lines.push({ text, offset, length: sizeBytes });
      }
      if (lines.length > 0) yield lines;
      if (bytesRead === 0) return;
    }
  } finally {
    await file.close();
  }
}

async function readHead(file: FileHandle, offset: number): Promise<string> {
  const head = Buffer.alloc(LINE_HEAD_BYTES);
  const { bytesRead } = await file.read(head, 0, LINE_HEAD_BYTES, offset);
  return head.toString('utf8', 0, bytesRead);
}

function isBlank(text: string): boolean {
  return text.length === 0 || (text.charCodeAt(0) <= 0x20 && text.trim() === '');
}
