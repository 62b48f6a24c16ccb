/** One step of a job: a prompt over every record. What a job file says of it, after validation. */
export interface Stage {
  /** `main` where the job file has no list of stages. */
  readonly name: string;
  /** Stages whose answers its templates use; a record goes on only when it succeeded in all of them. */
  readonly needs: readonly string[];
  /** Null only for ready-made requests, which bring their own; likewise `maxTokens`. */
  readonly model: string | null;
  readonly maxTokens: number | null;
  /** Further Messages parameters, in the order of the job file. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly system: SystemPrompt | null;
  /** Null when there are `messages`, or ready-made requests. */
  readonly prompt: PromptText | null;
  /** Several turns in the place of a prompt; the last one is the user's. */
  readonly messages: readonly MessageTemplate[] | null;
  /** Files that go before the text of the last user turn, as blocks. */
  readonly attach: readonly Attachment[];
  /** Passed through; null: none. */
  readonly tools: readonly unknown[] | null;
  readonly toolChoice: unknown;
  /** Cache marks on the last `userMessages` turns of the user; null: none. */
  readonly cache: { readonly userMessages: number; readonly ttl: CacheTtl } | null;
  readonly schema: SchemaReference | null;
  readonly output: OutputRule | null;
}

export type CacheTtl = '5m' | '1h';

/** A template: written in the job file, or in a file named relative to the job's `dir`. */
export type PromptText =
  /** `name` is what messages call it, where that is not its key: the file it was read from. */
  | { readonly kind: 'text'; readonly text: string; readonly name?: string }
  | { readonly kind: 'file'; readonly file: string };

export interface SystemPrompt {
  readonly content: PromptText;
  /** How long the prompt cache keeps it; null means no cache mark. */
  readonly cache: CacheTtl | null;
}

export interface MessageTemplate {
  readonly role: 'user' | 'assistant';
  /** Text is a template; in a list of blocks the `text` of each text block is one, and the rest is passed through. */
  readonly content: PromptText | readonly Readonly<Record<string, unknown>>[];
}

/** A file sent with the prompt; `path` is a template, relative to `dir`. */
export interface Attachment {
  readonly kind: 'image' | 'document';
  readonly path: string;
}

/** The JSON Schema of the answers: inline (or read already), in a JSON file, or exported by a module (JSON Schema or Zod). */
export type SchemaReference =
  | { readonly kind: 'inline'; readonly schema: JsonSchema }
  | { readonly kind: 'file'; readonly file: string }
  | { readonly kind: 'module'; readonly module: string; readonly exportName: string | null };

export type JsonSchema = Readonly<Record<string, unknown>> | boolean;

/** Where an answer is written and what is written. Paths are templates, relative to `dir`. */
export interface OutputRule {
  /** Null: the default place. */
  readonly path: string | null;
  readonly content: /** The text; with a schema the JSON, pretty. */
    | { readonly kind: 'answer' }
    /** No file. */
    | { readonly kind: 'none' }
    /** A template over the record and its answer. */
    | { readonly kind: 'template'; readonly template: PromptText }
    /** A JS or TS module whose default export makes the content. */
    | { readonly kind: 'module'; readonly module: string };
}
