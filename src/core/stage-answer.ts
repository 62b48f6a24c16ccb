import { parseExact } from './json-exact.ts';
import type { Judgement } from './judge.ts';
import { ANY_TEXT, anyValue } from './template.ts';

/** What a later stage's templates see of an answer: `{{notes.text}}`, `{{notes.json.title}}`. */
export interface StageAnswer {
  readonly text: string;
  /** The typed data of a structured answer. Not there without a schema: asking for it is an error, not an empty text. */
  readonly json?: unknown;
}

export function stageAnswer({ text, jsonText }: Pick<Judgement, 'text' | 'jsonText'>): StageAnswer {
  return { text: text ?? '', ...(jsonText === null ? {} : { json: parseExact(jsonText) }) };
}

/** What stands for an answer that is not there yet, so that templates can be tried before an earlier stage is paid. */
export function anyStageAnswer(isStructured: boolean): StageAnswer {
  return { text: ANY_TEXT, ...(isStructured ? { json: anyValue } : {}) };
}
