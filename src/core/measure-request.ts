import { type EncodedFiles, encodedFiles, mayHoldFiles } from './encoded-files.ts';
import { memberSpans } from './json-spans.ts';
import { MarkReader, type MeasuredMark } from './measure-marks.ts';

/** What of a request its price depends on, before anything is sent. */
export interface MeasuredRequest {
  /** Null: it names none. */
  readonly model: string | null;
  /** Asks for `inference_geo: us`. */
  readonly isUs: boolean;
  readonly maxTokens: number;
  /** A quarter of the bytes of the prompt, and a guess at the files: local tokens, to be corrected by a calibration. */
  readonly tokens: number;
  /** In the order of the prompt. */
  readonly marks: readonly MeasuredMark[];
}

/** What of a text are files: as RenderedStage has it. */
export type AttachedText = EncodedFiles;

// As render-plan.ts writes it; requests that are ready made may have any order.
const HEAD = /^\{"model":("(?:[^"\\]|\\.)*"),"max_tokens":(\d+),/;
// V8 looks for up to six characters quote by quote, and prepares a table for more: a quarter of the time (Node 24.21, 2026-11).
const GEO = ['"infer', '"inference_geo"'] as const;

/** A quarter of the bytes: what a token of English text takes, about. */
export function localTokens(bytes: number): number {
  return Math.ceil(Math.max(0, bytes) / 4);
}

/**
 * Looks at the text where it can and parses it only for what is rare: it is called for each of 100,000 requests. `marks`
 * remembers what the requests before had in common. The text must be the JSON of an object.
 */
export function measureRequest(
  paramsJson: string,
  attached: AttachedText | null = null,
  marks: MarkReader = new MarkReader(),
  allBytes: number = Buffer.byteLength(paramsJson),
): MeasuredRequest {
  const files = attached ?? (mayHoldFiles(paramsJson) ? encodedFiles(JSON.parse(paramsJson)) : null);
  const { headBytes, ...head } = readHead(paramsJson);
  const bytes = allBytes - headBytes - (files?.bytes ?? 0);
  return {
    ...head,
    tokens: localTokens(bytes) + (files?.approxTokens ?? 0),
    marks: marks.read(paramsJson),
  };
}

interface Head extends Pick<MeasuredRequest, 'model' | 'isUs' | 'maxTokens'> {
  /** Of what is no part of the prompt; of a short prompt that is half of all. */
  readonly headBytes: number;
}

function readHead(paramsJson: string): Head {
  const head = holds(paramsJson, GEO) ? null : HEAD.exec(paramsJson);
  if (head !== null) {
    const [text, model = '', maxTokens] = head;
    return {
      model: textOf(model),
      isUs: false,
      maxTokens: Number(maxTokens),
      headBytes: Buffer.byteLength(text),
    };
  }
  const values = new Map<string, string>();
  for (const { name, start, end } of memberSpans(paramsJson)) {
    if (name === 'model' || name === 'max_tokens' || name === 'inference_geo')
      values.set(name, paramsJson.slice(start, end));
  }
  const maxTokens = Number(values.get('max_tokens') ?? 0);
  return {
    model: textOf(values.get('model') ?? 'null'),
    isUs: values.get('inference_geo') === '"us"',
    maxTokens: Number.isFinite(maxTokens) ? maxTokens : 0,
    headBytes: 0,
  };
}

function holds(text: string, [beginning, all]: readonly [string, string]): boolean {
  return text.includes(beginning) && text.includes(all);
}

function textOf(json: string): string | null {
  const value: unknown = json.includes('\\') || !json.startsWith('"') ? JSON.parse(json) : json.slice(1, -1);
  return typeof value === 'string' ? value : null;
}
