import { IMAGE_TOKENS, pdfTokens } from './attachment-tokens.ts';

/** How many characters of some blocks are files in base64, at any depth, and about how many tokens those are. */
export function encodedFiles(value: unknown): { readonly chars: number; readonly approxTokens: number } {
  let chars = 0;
  let approxTokens = 0;
  const walk = (one: unknown): void => {
    if (Array.isArray(one)) for (const item of one) walk(item);
    else if (typeof one === 'object' && one !== null) {
      const { type, media_type, data }: Record<string, unknown> = { ...one };
      if (type === 'base64' && typeof data === 'string') {
        chars += data.length;
        approxTokens +=
          media_type === 'application/pdf' ? pdfTokens(Buffer.from(data, 'base64')) : IMAGE_TOKENS;
      } else for (const item of Object.values(one)) walk(item);
    }
  };
  walk(value);
  return { chars, approxTokens };
}
