import { stringify } from 'yaml';
import { UsageError } from '../core/errors.ts';
import { escapeText } from '../core/escape.ts';
import { didYouMean } from '../core/nearest.ts';
import type { StarterFile } from './starter.ts';
import type { FoundColumn, FoundSource } from './starter-source.ts';

/**
 * A job file that runs as it is over the user's data. With a column its value is the whole message; without one the
 * message shows every column. @throws UsageError `unknown_column`
 */
export function jobFromSource(found: FoundSource, promptColumn: string | undefined): StarterFile {
  const { name, source, columns, choice } = found;
  const file = `${name}.job.yaml`;
  const head = `# Written by batchctl init; it runs as it is. Try it without a key or a cost:
#   batchctl plan ${file}
#   batchctl submit ${file} --use-batch --emulator
# docs/job-file.md describes every key.
`;
  if ('requests' in source) {
    const ready =
      '# Each line is a request already, with its own model and message; it is sent as it stands.\n';
    return { path: file, content: `${head}\n${yaml({ name })}\n${ready}${yaml({ source })}` };
  }
  const parts = [
    `${head}\n${yaml({ name, model: 'claude-haiku-5-5' })}`,
    `# The most tokens of an answer.\n${yaml({ max_tokens: 1024 })}`,
    `# The data.${choice === null ? '' : ` ${sentence(choice)}`} Its columns: ${listOf(columns)}.\n${yaml({ source })}`,
    idPart(found),
    promptPart(found, promptColumn),
    `# Answers go to batch_results/<job id>/; this puts each into a file of its own choosing instead.
# output: "answers/{{ custom_id }}.md"
# Data and answers in one table, at any time: batchctl export ${name} -o ${name}-answers.csv
`,
  ];
  return { path: file, content: parts.join('\n') };
}

function idPart({ kind, columns }: FoundSource): string {
  // The stems of a folder's files of one kind differ.
  const id = columns.find(({ name }) => name === (kind === 'dir' ? 'stem' : 'id'));
  if (id !== undefined && !id.isOptional)
    return `# What a record is called in the results; each must have another one.\n${yaml({ id: `{{ ${id.name} }}` })}`;
  const first = kind === 'text' ? undefined : columns[0]?.name;
  const example = first === undefined ? '' : `\n# id: ${JSON.stringify(`{{ ${reference(first)} }}`)}`;
  return `# What a record is called in the results: row-1, row-2 and so on, unless "id" names a column whose value differs\n# from record to record.${example}\n`;
}

function promptPart({ kind, columns, name }: FoundSource, promptColumn: string | undefined): string {
  if (promptColumn !== undefined) {
    const column = columns.find((one) => one.name === promptColumn);
    if (column === undefined) throw unknownColumn(promptColumn, columns);
    return `# The message of each record: the column as it is.\n${yaml({ prompt: placeholder(column) })}`;
  }
  const isText = kind === 'text' || kind === 'dir';
  const shown = isText ? columns.filter((column) => column.name === 'text') : columns;
  const lines = shown.map((column) =>
    isText ? placeholder(column) : `${label(column.name)}: ${placeholder(column)}`,
  );
  const prompt = `Summarize this ${isText ? 'text' : 'record'} in one sentence.\n\n${lines.join('\n')}\n`;
  const more = isText
    ? ''
    : ` Every column is in it:\n# take out what the model need not see. Where a column is the message already: --prompt-column NAME.`;
  return `# The message of each record. Change its first line to what you want of ${label(name)}.${more}\n${yaml({ prompt })}`;
}

const COLUMNS_TOLD = 30;

// Words that mean something of their own to Liquid, and the variable that holds all columns.
const WORDS = /^(?:true|false|nil|null|empty|blank|and|or|not|contains|record)$/;

/** How a template names a column. A string of Liquid takes the escapes of JSON. */
function reference(column: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(column) && !WORDS.test(column)
    ? column
    : `record[${JSON.stringify(column)}]`;
}

function placeholder({ name, isOptional }: FoundColumn): string {
  return `{{ ${reference(name)}${isOptional ? ' | default: ""' : ''} }}`;
}

/** A name as text in the template: what looks like a template in it must not become one. */
function label(name: string): string {
  return name.replace(/[{}%\s]+/g, ' ').trim();
}

function yaml(value: Readonly<Record<string, unknown>>): string {
  return stringify(value, {
    lineWidth: 0,
    blockQuote: 'literal',
    defaultStringType: 'PLAIN',
    version: '1.2',
  });
}

function listOf(columns: readonly FoundColumn[]): string {
  const shown = columns.slice(0, COLUMNS_TOLD).map(({ name }) => escapeText(name));
  const more = columns.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${escapeText(text.slice(1))}.`;
}

function unknownColumn(name: string, columns: readonly FoundColumn[]): UsageError {
  const names = columns.map((column) => column.name);
  return new UsageError(`the data has no column "${name}"${didYouMean(name, names)}`, {
    code: 'unknown_column',
    why: `there are: ${listOf(columns)}`,
    next: 'name one of them with --prompt-column, or leave it out: the prompt shows them all then',
  });
}
