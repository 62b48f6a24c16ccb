import { describe, expect, it } from 'vitest';
import { legalCustomId } from '../../src/core/custom-id.ts';
import { isKnownError } from '../../src/core/errors.ts';
import { findJsonError } from '../../src/core/json-error.ts';
import { createLineSplitter } from '../../src/core/lines.ts';
import { foldPath, outputPathProblem, safeOutputPath } from '../../src/core/paths.ts';
import { readRawLine } from '../../src/core/raw-line.ts';
import type { SourceItem } from '../../src/core/record.ts';
import { recordToJson, renderToJson } from '../../src/core/record-json.ts';
import { idsByNonce } from '../../src/core/request-ids.ts';
import { ResultSeqs } from '../../src/core/result-seqs.ts';
import { ResultsCheck } from '../../src/core/results-check.ts';
import { compileTemplate, TemplateError } from '../../src/core/template.ts';
import { parseWireId, wireId } from '../../src/core/wire-id.ts';
import { createRowReader } from '../../src/sources/csv-rows.ts';
import { readJsonRecord } from '../../src/sources/jsonl.ts';
import { type Seeded, seeded } from '../support/seeded.ts';
import { anyText, cutAnywhere, FIRST_SEED, ITERATIONS, mangled } from './any-text.ts';

/** A fast machine tries a million of the slowest property in some minutes. */
const TIMEOUT_MS = 60_000 + ITERATIONS;

async function forEachSeed(check: (chance: Seeded) => unknown): Promise<void> {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + ITERATIONS; seed += 1) {
    try {
      await check(seeded(seed));
    } catch (cause) {
      throw new Error(`FUZZ_SEED=${seed} FUZZ_ITERATIONS=1`, { cause });
    }
  }
}

const NONCE = 'abcdefgh';

describe('whatever the text is', { timeout: TIMEOUT_MS }, () => {
  it('lines are cut at LF alone, wherever chunks are cut, with their offsets', () =>
    forEachSeed((chance) => {
      const bytes = Buffer.from(anyText(chance, 30));
      const limit = chance.between(1, 12);
      const splitter = createLineSplitter(limit);
      const lines = [
        ...cutAnywhere(bytes, chance).flatMap((chunk) => splitter.push(chunk)),
        ...splitter.end(),
      ];
      const whole = bytes.toString('latin1').split('\n');
      if (whole.at(-1) === '') whole.pop();
      expect(lines.map((line) => line.sizeBytes)).toEqual(whole.map((line) => line.length));
      expect(lines.map((line) => line.bytes?.toString('latin1') ?? null)).toEqual(
        whole.map((line) => (line.length > limit ? null : line)),
      );
      for (const line of lines) expect(line.offset === 0 || bytes[line.offset - 1] === 0x0a).toBe(true);
    }));

  it('a JSONL line is a record or a problem, as JSON.parse sees it, and the place of the error is found', () =>
    forEachSeed((chance) => {
      const valid = JSON.stringify({
        [anyText(chance, 2)]: anyText(chance),
        v: [chance.between(0, 9), null],
      });
      const text = chance.next() < 0.3 ? valid : mangled(valid, chance);
      const item = readJsonRecord(text, { file: 'f', line: 1 }, Buffer.from(text));
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      expect(findJsonError(text) === null).toBe(isJson);
      expect(item.kind === 'record' || item.kind === 'problem').toBe(true);
      if (!isJson) expect(item.kind).toBe('problem');
    }));

  it('a value of a CSV comes out as it went in, with its line, wherever chunks are cut', () =>
    forEachSeed(async (chance) => {
      const rows = Array.from({ length: chance.between(1, 4) }, () => [
        anyText(chance).toWellFormed(),
        anyText(chance).toWellFormed(),
      ]);
      const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;
      const csv = ['a,b', ...rows.map((row) => row.map(quoted).join(','))].join('\n');
      const items = await readCsv(Buffer.from(csv), chance);
      expect(
        items.map((item) => (item.kind === 'record' ? [item.fields['a'], item.fields['b']] : item)),
      ).toEqual(rows);
      let line = 2;
      for (const [index, row] of rows.entries()) {
        expect(items[index]?.at.line).toBe(line);
        line += 1 + row.reduce((breaks, value) => breaks + (value.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
      }
    }));

  it('a broken CSV gives problems and nothing else', () =>
    forEachSeed(async (chance) => {
      const csv = `a,b\n${mangled(`"x","y"\n1,2\n${anyText(chance)}`, chance)}`.toWellFormed();
      try {
        for (const item of await readCsv(Buffer.from(csv), chance)) expect(item.at.line).toBeGreaterThan(0);
      } catch (error) {
        if (!isKnownError(error)) throw error;
      }
    }));

  it('a template leaves a value as it is, in text and in JSON', () =>
    forEachSeed((chance) => {
      const value = anyText(chance);
      const scope = { fields: { v: value, w: anyText(chance) }, variables: Object.create(null) };
      const record = recordToJson(scope.fields);
      expect(JSON.parse(record.json)).toEqual(scope.fields);
      for (const text of ['<{{ v }}>', '<{% if true %}{{ v }}{% endif %}>', '<{{ record["v"] }}>']) {
        const template = compileTemplate(text, 'prompt', { optionalColumns: false });
        expect(template.render(scope)).toBe(`<${value}>`);
        expect(renderToJson(template, scope, record)).toBe(JSON.stringify(`<${value}>`));
      }
    }));

  it('the texts of a line are taken from it only as JSON.stringify writes them', () =>
    forEachSeed((chance) => {
      const tokens = [
        'a',
        '…',
        '\u2028',
        '\u007f',
        '\\n',
        '\\t',
        '\\"',
        '\\\\',
        '\\/',
        '\\u00e9',
        '\\u000a',
        '\\ud83d',
        ' ',
      ];
      const some = chance.next() < 0.5 ? tokens : tokens.slice(0, 8);
      const raw = (most: number): string =>
        `"${Array.from({ length: chance.between(0, most) }, () => chance.pick(some)).join('')}"`;
      const [colon, comma] = chance.pick([
        [' : ', ' ,'],
        [':', ','],
      ]);
      const names = ['"v"', '"__proto__"', '"2"', '"1"', raw(2)];
      const values = [() => raw(5), () => raw(2), () => '1.0', () => '12345678901234567890', () => '[ "a" ]'];
      const members = Array.from(
        { length: chance.between(1, 6) },
        () => `${chance.pick(names)}${colon}${chance.pick(values)()}`,
      );
      const line = `{${[...members, `"long":"${'x'.repeat(500)}"`].join(comma)}}`;
      const item = readJsonRecord(line, { file: 'f', line: 1 }, Buffer.from(line));
      if (item.kind !== 'record') throw new Error(`${line} is no record`);
      const { json, columns, bytes } = recordToJson(item.fields, item.written);
      expect({ json, columns }).toEqual(recordToJson(item.fields));
      if (bytes === undefined) return;
      expect(Buffer.from(bytes).toString()).toBe(json);
    }));

  it('a broken template is named as one', () =>
    forEachSeed((chance) => {
      try {
        const text = `{{ v }}${mangled('{% for i in (1..3) %}{{ i | plus: 1 }}{% endfor %}', chance)}`;
        const template = compileTemplate(text, 'prompt', { optionalColumns: chance.next() < 0.5 });
        template.render({ fields: { v: anyText(chance) }, variables: Object.create(null) });
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        expect(error.message).toMatch(/^prompt, line \d+: /);
      }
    }));

  it('a result line is a row, unknown or malformed, and both readers of it agree', () =>
    forEachSeed((chance) => {
      const seq = chance.between(1, 4);
      const valid = JSON.stringify({
        custom_id: wireId(chance.pick(['a', 'row-1', 'x'.repeat(64)]), NONCE, seq),
        result: { type: chance.pick(['succeeded', 'errored', 'new']), message: { content: anyText(chance) } },
      });
      const text = (chance.next() < 0.3 ? valid : mangled(valid, chance))
        .toWellFormed()
        .replaceAll('\n', ' ');
      const raw = readRawLine(
        { text, offset: 0, length: text.length },
        idsByNonce(NONCE),
        new ResultSeqs([1, 2, 3]),
        null,
      );
      expect(['row', 'unknown', 'malformed']).toContain(raw.kind);
      const check = new ResultsCheck(idsByNonce(NONCE), new ResultSeqs([1, 2, 3]));
      for (const chunk of cutAnywhere(Buffer.from(text), chance)) check.push(chunk);
      check.end();
      const { distinct, unknown, malformed } = check.counts;
      // The stream believes a head that names a request; what stands behind it is judged from the file.
      if (raw.kind === 'row')
        expect({ distinct, unknown, malformed }).toEqual({ distinct: 1, unknown: 0, malformed: 0 });
      expect(distinct + unknown + malformed).toBe(text.trim() === '' ? 0 : 1);
    }));

  it('a key becomes an id that the API takes, the same each time, and two keys become two', () =>
    forEachSeed((chance) => {
      const key = `${anyText(chance)}x`;
      const { customId, originalId } = legalCustomId(key);
      expect(customId).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      expect(legalCustomId(key).customId).toBe(customId);
      expect(originalId ?? customId).toBe(key);
      const other = `${anyText(chance)}x`;
      if (other.toWellFormed() !== key.toWellFormed())
        expect(legalCustomId(other).customId).not.toBe(customId);
      const wire = wireId(customId, NONCE, chance.between(1, 1_000_000));
      expect(wire).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      expect(parseWireId(wire)?.nonce).toBe(NONCE);
    }));

  it('an output path that is let through stays inside, and is the same on every system', () =>
    forEachSeed((chance) => {
      const rendered = `out/${anyText(chance)}.md`;
      if (outputPathProblem(rendered) !== null) return;
      const path = safeOutputPath(rendered);
      for (const part of path.split('/')) {
        expect(part).not.toMatch(/^\.{1,2}$|[<>:"|?*\\\0]|[. ]$|^(?:con|prn|aux|nul)(?:\.|$)/i);
        expect(Buffer.byteLength(part)).toBeLessThanOrEqual(255);
      }
      expect(safeOutputPath(path)).toBe(path);
      expect(foldPath(foldPath(path))).toBe(foldPath(path));
    }));
});

async function readCsv(bytes: Buffer, chance: Seeded): Promise<readonly SourceItem[]> {
  const reader = createRowReader('f', { delimiter: ',', quote: '"', acceptHeader: () => null });
  for (const chunk of cutBetweenCharacters(bytes, chance)) await reader.push(chunk);
  await reader.end();
  return reader.take();
}

/** As csv-text.ts hands them on. */
function cutBetweenCharacters(bytes: Buffer, chance: Seeded): readonly Buffer[] {
  const characters = [...bytes.toString('utf8')];
  const cut = chance.between(0, characters.length);
  return [characters.slice(0, cut), characters.slice(cut)].map((half) => Buffer.from(half.join('')));
}
