import { IMAGE_TOKENS, pdfTokens, UNSEEN_PDF_TOKENS } from './attachment-tokens.ts';

/** What of some blocks are files. */
export interface EncodedFiles {
  /** Of the JSON text, in base64. */
  readonly bytes: number;
  /** About. */
  readonly approxTokens: number;
}

const FILE = /"type"\s*:\s*"(?:base64|url|file)"/;

/** Whether `encodedFiles` may find something. Six characters are looked for quickly (core/measure-request.ts). */
export function mayHoldFiles(json: string): boolean {
  return json.includes('"sourc') && FILE.test(json);
}

/** Pictures and PDFs at any depth: in base64, or named by a URL or the id of a file, which takes no text at all. */
export function encodedFiles(value: unknown): EncodedFiles {
  let bytes = 0;
  let approxTokens = 0;
  const walk = (one: unknown): void => {
    if (Array.isArray(one)) for (const item of one) walk(item);
    else if (typeof one === 'object' && one !== null) {
      const { type, media_type, data, source }: Record<string, unknown> = { ...one };
      if (type === 'base64' && typeof data === 'string') {
        bytes += data.length;
        approxTokens +=
          media_type === 'application/pdf' ? pdfTokens(Buffer.from(data, 'base64')) : IMAGE_TOKENS;
      } else {
        if (isNamed(source)) approxTokens += type === 'document' ? UNSEEN_PDF_TOKENS : IMAGE_TOKENS;
        for (const item of Object.values(one)) walk(item);
      }
    }
  };
  walk(value);
  return { bytes, approxTokens };
}

/** A source that says where the file is. */
function isNamed(source: unknown): boolean {
  if (typeof source !== 'object' || source === null) return false;
  const { type, url, file_id }: Record<string, unknown> = { ...source };
  return (type === 'url' && typeof url === 'string') || (type === 'file' && typeof file_id === 'string');
}
