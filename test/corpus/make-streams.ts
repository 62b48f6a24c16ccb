import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { job, type Maker, write } from './make-workspace.ts';

const MEGABYTE = 1_000_000;

/** A file of pieces, the middle one many times over, without ever holding it. */
function long(root: string, path: string, head: string, piece: Buffer, times: number, tail = ''): void {
  const file = openSync(join(root, path), 'w');
  writeSync(file, head);
  for (let count = 0; count < times; count += 1) writeSync(file, piece);
  writeSync(file, tail);
  closeSync(file);
}

const LETTERS = Buffer.alloc(MEGABYTE, 'x');

/** A gzip file is any number of packed pieces, so the same small one many times over unpacks to gigabytes. */
function bomb(root: string, path: string, piece: Buffer, times: number): void {
  long(root, path, '', gzipSync(piece, { level: 9 }), times);
}

/** What is large, long, or unpacks to be so. */
export const STREAMS: Readonly<Record<string, Maker>> = {
  'line-100mb-jsonl': (root) => {
    write(root, job('jsonl: data.jsonl'));
    long(root, 'data.jsonl', '{"name":"', LETTERS, 100);
  },
  'line-100mb-csv': (root) => {
    write(root, job('csv: data.csv'));
    long(root, 'data.csv', 'name,b\n', LETTERS, 100);
  },
  'line-100mb-text': (root) => {
    write(root, job('text: data.txt', 'prompt: "{{ text }}"\n'));
    long(root, 'data.txt', '', LETTERS, 100);
  },
  'line-100mb-requests': (root) => {
    write(root, { 'bad.job.yaml': 'source: {requests: data.jsonl}\n' });
    long(root, 'data.jsonl', '{"custom_id":"', LETTERS, 100);
  },
  'header-100mb-csv': (root) => {
    write(root, job('csv: data.csv'));
    long(root, 'data.csv', '', LETTERS, 100);
  },
  'quote-open-100mb-csv': (root) => {
    write(root, job('csv: data.csv'));
    long(root, 'data.csv', 'name,b\nA,1\n"', Buffer.from('some text, and more\n'.repeat(50_000)), 100);
  },
  'field-64mb-csv': (root) => {
    write(root, job('csv: data.csv'));
    long(root, 'data.csv', 'name,b\nA,1\n"', LETTERS, 64, '",2\n');
  },
  'paragraph-100mb-text': (root) => {
    write(root, job('text: {file: data.txt, split: paragraph}', 'prompt: "{{ text }}"\n'));
    long(root, 'data.txt', '', Buffer.from(`${'a line of a text '.repeat(50)}\n`.repeat(1_200)), 100);
  },
  'columns-100000-csv': (root) => {
    const names = Array.from({ length: 100_000 }, (_, index) => `c${index}`).join(',');
    write(root, { 'data.csv': `${names}\n1,2\n`, ...job('csv: data.csv') });
  },
  'keys-100000-jsonl': (root) => {
    const keys = Array.from({ length: 100_000 }, (_, index) => `"c${index}":${index}`).join(',');
    write(root, { 'data.jsonl': `{${keys}}\n`, ...job('jsonl: data.jsonl') });
  },
  'problems-20000-jsonl': (root) =>
    write(root, { 'data.jsonl': '{"name":}\n'.repeat(20_000), ...job('jsonl: data.jsonl') }),
  'bomb-line-jsonl': (root) => {
    write(root, job('jsonl: data.jsonl.gz'));
    bomb(root, 'data.jsonl.gz', Buffer.alloc(16 * MEGABYTE), 256);
  },
  'bomb-blank-lines-jsonl': (root) => {
    write(root, job('jsonl: data.jsonl.gz'));
    bomb(root, 'data.jsonl.gz', Buffer.alloc(16 * MEGABYTE, '\n'), 256);
  },
  'bomb-json': (root) => {
    write(root, job('json: data.json.gz'));
    bomb(root, 'data.json.gz', Buffer.alloc(16 * MEGABYTE, ' '), 256);
  },
  'bomb-csv': (root) => {
    write(root, job('csv: data.csv.gz'));
    bomb(root, 'data.csv.gz', Buffer.alloc(16 * MEGABYTE, ','), 256);
  },
  'bomb-text-of-folder': (root) => {
    write(root, job('dir: "*.txt"', 'prompt: "{{ text }}"\n'));
    bomb(root, 'a.txt', Buffer.alloc(16 * MEGABYTE, 'a'), 256);
  },
};
