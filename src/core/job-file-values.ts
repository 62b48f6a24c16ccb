import { RETRYABLE } from './retry-rule.ts';
import { ENCODINGS } from './source.ts';

// What a key takes, in words; shown when something else was given. `*` is any key of a mapping or item of a list. The
// keys of a stage stand here as they do in a job of one stage.
const EXPECTED: Readonly<Record<string, string>> = {
  name: '1-40 letters, digits, - and _',
  model: 'the name of a model',
  max_tokens: 'a whole number of at least 1',
  params: 'a mapping of Messages parameters',
  expected_output_tokens: 'a whole number of tokens, or a share of the input such as "15%"',
  api_version: '2026-10-21 or 2023-06-01',
  betas: 'a list of names such as [output-300k-2026-03-24]',
  'betas.*': 'a name of letters, digits and -, such as output-300k-2026-03-24',
  source: 'one kind and its place, such as {csv: data/products.csv}',
  'source.axes': 'a mapping such as {round: 1-4, lang: [en, de]}',
  'source.axes.*': 'a range such as 1-4 or a list such as [en, de]',
  'source.csv': 'a path, a list of paths, or {file, delimiter, encoding, quote}',
  'source.csv.delimiter': 'a text of 1 to 8 characters such as ";", or auto',
  'source.csv.encoding': `one of ${ENCODINGS.join(', ')}`,
  'source.csv.quote': 'one character, or false',
  'source.csv.file': 'a path or a list of paths',
  'source.csv.*': 'a path',
  'source.jsonl': 'a path or a list of paths',
  'source.json': 'a path or a list of paths',
  'source.text': 'a path, a list of paths, or {file, split}',
  'source.text.split': 'line or paragraph',
  'source.text.file': 'a path or a list of paths',
  'source.dir': 'a glob, or {glob, meta}',
  'source.sqlite': 'a mapping such as {file: app.db, query: SELECT id, name FROM products}',
  'source.parquet': 'a path, a list of paths, or {file, columns}',
  'source.parquet.file': 'a path or a list of paths',
  'source.parquet.columns': 'a list of names',
  'source.module': 'a path, or {file, export}',
  'source.command': 'a program and its arguments in a list, such as [python3, build.py]',
  'source.requests': 'a path, a list of paths, {command} or {module}',
  'source.requests.command': 'a program and its arguments in a list, such as [python3, build.py]',
  'source.requests.module': 'a path, or {file, export}',
  files: 'a mapping of variables to paths',
  'files.*': 'a path; the variable is letters, digits and _',
  select: 'a mapping such as {round: [1, 2]}',
  'select.*': 'a value or a list of values',
  group_by: 'the name of a column',
  system: 'text, or {text or file, cache}',
  'system.file': 'a path',
  'system.cache': '5m or 1h',
  prompt: 'text, or {file}',
  'prompt.file': 'a path',
  messages: 'a list of turns such as [{role: user, content: "Hello"}]',
  'messages.*': 'a turn such as {role: user, content: "Hello"}',
  'messages.*.role': 'user or assistant',
  'messages.*.content': 'text, {file}, or a list of content blocks',
  'messages.*.content.*': 'a content block such as {type: text, text: "Hello"}',
  'messages.*.content.file': 'a path',
  attach: 'a list such as [{image: "charts/{{ id }}.png"}]',
  'attach.*': '{image} or {document}, with the path of the file',
  'attach.*.image': 'a path',
  'attach.*.document': 'a path',
  tools: 'a list of tools such as [{name, description, input_schema}]',
  'tools.*': 'a tool such as {name, description, input_schema}',
  tool_choice: 'a mapping such as {type: auto}',
  cache: 'a mapping such as {user_messages: 2}; the mark of the system prompt is "system.cache"',
  'cache.user_messages': 'a whole number from 1 to 4',
  'cache.ttl': '5m or 1h',
  schema: 'a file, {module, export}, or a JSON Schema',
  output: 'a path, {path, template}, {path, module}, or false for no files',
  'output.path': 'a path',
  'output.template': 'text, or {file}',
  'output.template.file': 'a path',
  'output.module': 'the path of a JavaScript or TypeScript module',
  stages: 'a list of stages such as [{name: notes, prompt: "Take notes."}]',
  'stages.*': 'a mapping of the keys of a stage',
  'stages.*.name': '1-40 letters, digits and _, not beginning with a digit',
  'stages.*.needs': 'an earlier stage, or a list of them',
  'stages.*.needs.*': 'the name of an earlier stage',
  budget: 'a mapping such as {max_usd: 25}',
  'budget.*': 'US dollars with at most 6 decimals, such as 25 or 0.50',
  prices: 'a mapping of models such as {my-model: {input: 2, output: 10}}',
  'prices.*': 'a mapping such as {input: 2, output: 10}, in US dollars for a million tokens',
  'prices.*.batch': 'a factor from 0 to 1 with at most 2 decimals, such as 0.5',
  'prices.*.*': 'US dollars for a million tokens with at most 6 decimals, such as 2.50',
  private: 'true or false',
  retry: 'a mapping such as {attempts: 3}',
  'retry.attempts': 'a whole number from 2 to 10: how often a request may be sent in all',
  'retry.on': `a list out of ${RETRYABLE.join(', ')}`,
  'retry.on.*': `one of ${RETRYABLE.join(', ')}`,
  on_end: 'a list of a program and its arguments, such as [notify-send, done]; there is no shell',
  'on_end.*': 'text; a number stands in quotes',
  git: 'a mapping such as {commit: "Regenerate reports"}',
  'git.per': 'job or output',
};

const PATTERNS = Object.entries(EXPECTED).map(([pattern, words]) => ({ parts: pattern.split('.'), words }));

/** What may stand at a place of a job file, in words. An item of a list without words of its own has those of the list. */
export function expectedAt(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'a mapping of keys';
  const isInStage = path[0] === 'stages' && path.length > 2;
  const words = lookUp(path) ?? (isInStage ? lookUp(path.slice(2)) : undefined);
  if (words !== undefined) return words;
  return typeof path.at(-1) === 'number' ? expectedAt(path.slice(0, -1)) : 'text';
}

function lookUp(path: readonly PropertyKey[]): string | undefined {
  const keys = path.map(String);
  // A key of its own name stands before `*`.
  return EXPECTED[keys.join('.')] ?? PATTERNS.find(({ parts }) => matches(parts, keys))?.words;
}

function matches(parts: readonly string[], keys: readonly string[]): boolean {
  return parts.length === keys.length && parts.every((part, index) => part === '*' || part === keys[index]);
}
