import { IMAGE_TOKENS, pdfTokens } from '../core/attachment-tokens.ts';
import type { InputError } from '../core/errors.ts';
import { inputFailure } from '../core/input-failure.ts';
import { localTokens } from '../core/measure-request.ts';
import type { AttachedBlock, AttachmentReader } from '../core/ports/attachments.ts';
import type { Attachment } from '../core/stage.ts';
import { foreignContent, hasByteOrderMark } from '../core/utf8.ts';
import { decodeUtf8 } from '../core/utf8-text.ts';
import {
  type ConfinedFile,
  dressErrno,
  findConfinedFile,
  type JobPlace,
  openConfinedFile,
} from './confined-file.ts';

export interface AttachmentReaderOptions extends JobPlace {
  /** How many bytes of blocks stay in memory for the next record that asks; default 8 MB. */
  readonly maxCachedBytes?: number;
}

/**
 * Of the file. An image has at most 10 MB as base64, which is a third longer than the bytes; a request has 32 MB.
 * Sources: platform.claude.com/docs/en/build-with-claude/vision («Request limits», August 2026; 5 MB before, and in
 * other clouds), /docs/en/build-with-claude/pdf-support. That MB is 2^20 for images is how the API's refusals counted
 * the 5 MB: «5242880 bytes».
 */
const MAX_BYTES: Readonly<Record<Attachment['kind'], number>> = {
  image: (10 * 2 ** 20 * 3) / 4,
  document: 32_000_000,
};
const MAX_PDF_BYTES = (32_000_000 * 3) / 4;

/** Names of files that are kept to tell which are shared. */
const MAX_KEYS = 1_000;

// file-type tells an animated PNG from others; the API looks at its first frame.
const IMAGE_TYPES = new Map([
  ['image/png', 'image/png'],
  ['image/apng', 'image/png'],
  ['image/jpeg', 'image/jpeg'],
  ['image/gif', 'image/gif'],
  ['image/webp', 'image/webp'],
]);

/**
 * Reads the files of `attach:` as content blocks, their type told by their content, never by their name. Throws InputError:
 * `attachment_outside`, `attachment_unreadable` (with errno), `attachment_empty`, `attachment_too_large`,
 * `attachment_type`.
 */
export function createAttachmentReader(options: AttachmentReaderOptions): AttachmentReader {
  const maxCachedBytes = options.maxCachedBytes ?? 8_000_000;
  // A Map keeps the order of insertion: the first key is the one that was asked for longest ago.
  const cached = new Map<string, AttachedBlock>();
  const underWay = new Map<string, Promise<AttachedBlock>>();
  // Files of one record each would only push out those that many share.
  const asked = new Set<string>();
  const shared = new Set<string>();
  let cachedBytes = 0;

  const noteAsked = (key: string): void => {
    if (asked.has(key)) shared.add(key);
    for (const keys of [asked, shared]) if (keys.size >= MAX_KEYS) keys.clear();
    asked.add(key);
  };

  const remember = (key: string, block: AttachedBlock): void => {
    if (!shared.has(key) || block.json.length > maxCachedBytes) return;
    cached.set(key, block);
    cachedBytes += block.json.length;
    for (const [oldest, { json }] of cached) {
      if (cachedBytes <= maxCachedBytes) return;
      cached.delete(oldest);
      cachedBytes -= json.length;
    }
  };

  const load = async (key: string, confined: ConfinedFile, file: string, kind: Attachment['kind']) => {
    try {
      const block = await readBlock(confined, options, file, kind);
      remember(key, block);
      return block;
    } finally {
      underWay.delete(key);
    }
  };

  return {
    async open(file, kind) {
      const confined = await findConfinedFile(file, options, 'attachment');
      const { path, bytes } = confined;
      if (bytes === 0) throw inputFailure({ code: 'attachment_empty', file, problem: 'it is empty' });
      if (bytes > MAX_BYTES[kind]) throw tooLarge(file, kind, bytes, MAX_BYTES[kind]);
      const key = `${kind} ${path}`;
      noteAsked(key);
      return {
        bytes,
        async read() {
          const known = cached.get(key);
          if (known !== undefined) {
            cached.delete(key);
            cached.set(key, known);
            return known;
          }
          const loading = underWay.get(key) ?? load(key, confined, file, kind);
          underWay.set(key, loading);
          return loading;
        },
      };
    },
  };
}

async function readBlock(
  confined: ConfinedFile,
  place: JobPlace,
  file: string,
  kind: Attachment['kind'],
): Promise<AttachedBlock> {
  const refused = { code: 'attachment_unreadable', file };
  const handle = await openConfinedFile(confined, place, refused);
  let bytes: Buffer;
  try {
    bytes = await handle.readFile();
  } catch (error) {
    throw dressErrno(error, refused);
  } finally {
    await handle.close();
  }
  // It may have grown since it was opened.
  if (bytes.length > MAX_BYTES[kind]) throw tooLarge(file, kind, bytes.length, MAX_BYTES[kind]);
  const { fileTypeFromBuffer } = await import('file-type');
  const found = (await fileTypeFromBuffer(bytes))?.mime ?? null;
  return kind === 'image' ? imageBlock(bytes, file, found) : documentBlock(bytes, file, found);
}

function imageBlock(bytes: Buffer, file: string, found: string | null): AttachedBlock {
  const mediaType = IMAGE_TYPES.get(found ?? '');
  if (mediaType === undefined) {
    const what = found === null ? 'its content is of no known type' : `its content is ${found}`;
    throw wrongType(
      file,
      `${what}; an image is PNG, JPEG, GIF or WebP`,
      found === 'application/pdf' ? 'write {document: …} for a PDF' : 'convert it',
    );
  }
  return { json: base64Block('image', mediaType, bytes), approxTokens: IMAGE_TOKENS };
}

function documentBlock(bytes: Buffer, file: string, found: string | null): AttachedBlock {
  if (found === 'application/pdf') {
    if (bytes.length > MAX_PDF_BYTES) throw tooLarge(file, 'document', bytes.length, MAX_PDF_BYTES);
    return { json: base64Block('document', found, bytes), approxTokens: pdfTokens(bytes) };
  }
  if (IMAGE_TYPES.has(found ?? ''))
    throw wrongType(file, `its content is ${found}; a document is a PDF or UTF-8 text`, 'write {image: …}');
  const foreign = foreignContent(bytes);
  if (foreign !== null || bytes.includes(0)) {
    const what = found ?? foreign?.what ?? 'binary';
    throw wrongType(
      file,
      `its content is ${what}; a document is a PDF or UTF-8 text`,
      'convert it to PDF or text',
    );
  }
  const text = decodeUtf8(bytes, { code: 'attachment_type', file }).slice(hasByteOrderMark(bytes) ? 1 : 0);
  if (text.trim() === '')
    throw inputFailure({ code: 'attachment_empty', file, problem: 'there is nothing in it' });
  const source = { type: 'text', media_type: 'text/plain', data: text };
  const json = JSON.stringify({ type: 'document', source });
  // As any other text of a request is measured, so that what is counted of some corrects both (core/measure-request.ts).
  return { json, approxTokens: localTokens(Buffer.byteLength(json)) };
}

/** Base64 has nothing that JSON escapes. */
function base64Block(type: Attachment['kind'], mediaType: string, bytes: Buffer): string {
  const source = `{"type":"base64","media_type":"${mediaType}","data":"${bytes.toString('base64')}"}`;
  return `{"type":"${type}","source":${source}}`;
}

function tooLarge(file: string, kind: Attachment['kind'], bytes: number, limit: number): InputError {
  const amount = (count: number): string => Math.floor(count).toLocaleString('en-US');
  return inputFailure({
    code: 'attachment_too_large',
    file,
    problem: `it has ${amount(bytes)} bytes; ${kind === 'image' ? 'an image' : 'a document'} may have ${amount(limit)}`,
    next: kind === 'image' ? 'make it smaller' : 'split it',
  });
}

function wrongType(file: string, problem: string, next: string): InputError {
  return inputFailure({ code: 'attachment_type', file, problem, next });
}
