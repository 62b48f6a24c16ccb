import { cacheControl, markedTurns } from '../core/cache-marks.ts';
import type { MessageTemplate, PromptText, Stage } from '../core/stage.ts';
import type { Template } from '../core/template.ts';

/** A turn as the text that it is on the wire, with gaps for what depends on the record. */
export interface TurnPlan {
  /** What messages call it. */
  readonly name: string;
  readonly parts: readonly TurnPart[];
}

export type TurnPart =
  | { readonly kind: 'json'; readonly json: string }
  /** Rendered as a JSON string; an empty one is refused by the API. */
  | { readonly kind: 'text'; readonly template: Template }
  /** The blocks of the stage's attachments, a comma after each. */
  | { readonly kind: 'attachments' };

/** Compiles a text of the job file. */
export type CompileText = (content: PromptText, name: string) => Template;

/** The turns of a stage, or null when it is one prompt and nothing else, which has a faster way. */
export function planTurns(stage: Stage, compile: CompileText): readonly TurnPlan[] | null {
  const { prompt, messages, attach, cache } = stage;
  if (messages === null && attach.length === 0 && cache === null) return null;
  const turns: readonly MessageTemplate[] =
    messages ?? (prompt === null ? [] : [{ role: 'user', content: prompt }]);
  const marked = markedTurns(
    turns.map(({ role }) => role),
    cache?.userMessages ?? 0,
  );
  return turns.map((turn, index) => {
    const name = messages === null ? 'prompt' : `messages.${index}`;
    const mark = cache !== null && marked.has(index) ? cacheControl(cache.ttl) : null;
    const hasFiles = attach.length > 0 && index === turns.length - 1;
    return { name, parts: planTurn(turn, { name, mark, hasFiles, compile }) };
  });
}

interface TurnContext {
  readonly name: string;
  readonly mark: object | null;
  readonly hasFiles: boolean;
  readonly compile: CompileText;
}

function planTurn({ role, content }: MessageTemplate, context: TurnContext): readonly TurnPart[] {
  const { name, mark, hasFiles, compile } = context;
  const head = `{"role":"${role}","content":`;
  if (!isBlocks(content)) {
    const template = compile(content, name);
    if (mark === null && !hasFiles) return [json(head), { kind: 'text', template }, json('}')];
    return [
      json(`${head}[`),
      ...(hasFiles ? [FILES] : []),
      ...textBlock({ type: 'text', text: '' }, template, mark),
      json(']}'),
    ];
  }
  const firstText = content.findIndex((block) => block['type'] === 'text');
  const parts = content.flatMap((block, index): readonly TurnPart[] => {
    const blockMark = index === content.length - 1 ? mark : null;
    const isText = block['type'] === 'text' && typeof block['text'] === 'string';
    return [
      ...(index === 0 ? [] : [json(',')]),
      ...(hasFiles && index === firstText ? [FILES] : []),
      ...(isText
        ? textBlock(
            block,
            compile({ kind: 'text', text: String(block['text']) }, `${name}.content.${index}`),
            blockMark,
          )
        : [json(JSON.stringify(withMark(block, blockMark)))]),
    ];
  });
  return [json(`${head}[`), ...parts, json(']}')];
}

const FILES: TurnPart = { kind: 'attachments' };

const json = (text: string): TurnPart => ({ kind: 'json', json: text });

/** A text block with its keys in their order and a gap for its text. */
function textBlock(
  block: Readonly<Record<string, unknown>>,
  template: Template,
  mark: object | null,
): readonly TurnPart[] {
  const keys = Object.entries(withMark(block, mark));
  const at = keys.findIndex(([key]) => key === 'text');
  const write = (some: typeof keys): string =>
    some.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',');
  const before = write(keys.slice(0, at));
  const after = write(keys.slice(at + 1));
  return [
    json(`{${before}${before === '' ? '' : ','}"text":`),
    { kind: 'text', template },
    json(`${after === '' ? '' : ','}${after}}`),
  ];
}

/** A mark that the user set stays as it is. */
function withMark(
  block: Readonly<Record<string, unknown>>,
  mark: object | null,
): Readonly<Record<string, unknown>> {
  return mark === null || block['cache_control'] != null ? block : { ...block, cache_control: mark };
}

/** Narrows what `Array.isArray` does not: a read-only list. */
function isBlocks(
  content: MessageTemplate['content'],
): content is readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(content);
}
