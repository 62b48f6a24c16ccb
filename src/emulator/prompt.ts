import type { PromptParams } from './params-schema.ts';

// platform.claude.com/docs/en/build-with-claude/vision: an image is about (width × height) / 750 tokens, 1,600 at most.
const IMAGE_BYTES = 1600 * 4;

/** One piece of a prompt, in the order in which the API reads it: tools, system, messages. */
export interface PromptPiece {
  readonly text: string;
  readonly tokens: number;
  /** How long the prefix up to here is to be cached; null where no breakpoint is. */
  readonly ttl: '5m' | '1h' | null;
}

/** Tokens of so many bytes of text, roughly: four bytes each. */
export function tokensOf(bytes: number): number {
  return Math.ceil(bytes / 4);
}

/** Cuts a prompt into its pieces. */
export function piecesOf(params: PromptParams): readonly PromptPiece[] {
  const pieces: PromptPiece[] = [];
  for (const tool of params.tools ?? []) pieces.push(pieceOf(JSON.stringify(tool), tool.cache_control));
  if (typeof params.system === 'string') pieces.push(pieceOf(params.system, null));
  else for (const block of params.system ?? []) pieces.push(pieceOf(block.text, block.cache_control));
  for (const { content } of params.messages) {
    if (typeof content === 'string') pieces.push(pieceOf(content, null));
    else for (const block of content) pieces.push(pieceOfBlock(block));
  }
  if (params.output_config?.format != null) {
    pieces.unshift(pieceOf(JSON.stringify(params.output_config.format.schema), null));
  }
  const last = pieces.at(-1);
  // At the top level the mark means: wherever the prompt ends.
  if (params.cache_control != null && last !== undefined) {
    pieces[pieces.length - 1] = { ...last, ttl: params.cache_control.ttl ?? '5m' };
  }
  return pieces;
}

/** The text of the last user turn, shortened and on one line. */
export function lastUserText(params: PromptParams, length: number): string {
  const content = params.messages.findLast((message) => message.role === 'user')?.content ?? '';
  const text =
    typeof content === 'string'
      ? content
      : content.map((block) => (block.type === 'text' ? String(block['text']) : '')).join(' ');
  const line = text
    .slice(0, length * 2)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length <= length ? line : `${line.slice(0, length).toWellFormed().trimEnd()}…`;
}

type CacheMark = PromptParams['cache_control'];

function pieceOf(text: string, mark: CacheMark, bytes = Buffer.byteLength(text)): PromptPiece {
  return { text, tokens: tokensOf(bytes), ttl: mark == null ? null : (mark.ttl ?? '5m') };
}

function pieceOfBlock(block: PromptParams['messages'][number]['content'][number]): PromptPiece {
  if (typeof block === 'string') return pieceOf(block, null);
  if (block.type === 'text') return pieceOf(String(block['text']), block.cache_control);
  const text = JSON.stringify(block);
  const isMedia = block.type === 'image' || block.type === 'document';
  return pieceOf(
    text,
    block.cache_control,
    isMedia ? Math.min(text.length, IMAGE_BYTES) : Buffer.byteLength(text),
  );
}
