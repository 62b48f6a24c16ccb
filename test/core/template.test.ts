import { describe, expect, test } from 'vitest';
import { isBlankJson, recordToJson, renderToJson } from '../../src/core/record-json.ts';
import { compileTemplate, TemplateError, type TemplateScope } from '../../src/core/template.ts';

const strict = { optionalColumns: false };
const optional = { optionalColumns: true };

function scopeOf(fields: object, variables: object = {}): TemplateScope {
  return {
    fields: Object.assign(Object.create(null), fields),
    variables: Object.assign(Object.create(null), variables),
  };
}

const fields = {
  name: 'Ada "Countess" L.',
  count: 3,
  yes: true,
  nothing: null,
  vacant: '',
  list: ['a', 'b'],
  author: { first: 'A', 'last name': 'L' },
  'IMDB Rating': 8.1,
  hostile: '{{ name }} {% raw %} $& $1 \x24{x} <%= y %>',
  constructor: 'plain',
  big: '12345678901234567890',
};

describe('rendering', () => {
  test.each([
    ['{{ name }}', 'Ada "Countess" L.'],
    ['{{name}}-{{ count }}-{{yes}}', 'Ada "Countess" L.-3-true'],
    ['[{{ nothing }}{{ vacant }}]', '[]'],
    ['{{ list }}', '["a","b"]'],
    ['{{ list | join: "+" }}', 'a+b'],
    ['{{ author }}', '{"first":"A","last name":"L"}'],
    ['{{ author.first }} {{ author["last name"] }}', 'A L'],
    ['{{ record["IMDB Rating"] }} {{ record.count }}', '8.1 3'],
    ['{{ hostile }}', '{{ name }} {% raw %} $& $1 \x24{x} <%= y %>'],
    ['{{ hostile | append: "{{ count }}" }}', '{{ name }} {% raw %} $& $1 \x24{x} <%= y %>{{ count }}'],
    ['{{ constructor }}', 'plain'],
    ['{{ big }}', '12345678901234567890'],
    ['a }} b {{ count }}', 'a }} b 3'],
    ['{% if count > 2 %}many{% else %}few{% endif %}', 'many'],
    ['{% for x in list %}{{ x }}{% unless forloop.last %}, {% endunless %}{% endfor %}', 'a, b'],
    ['{% raw %}{{ name }}{% endraw %}', '{{ name }}'],
    ['{%- assign x = count | plus: 1 -%} {{ x }}', '4'],
    ['{{ "2026-03-01T23:30:00Z" | date: "%Y-%m-%d %H:%M" }}', '2026-03-01 23:30'],
    ['{{ nothing | default: "-" }}', '-'],
    ['{{ true }} {{ "text" }} {{ 5 }}', 'true text 5'],
  ])('%s', (text, rendered) => {
    expect(compileTemplate(text, 'prompt', strict).render(scopeOf(fields))).toBe(rendered);
  });

  test('the plain way and Liquid render every kind of value alike', () => {
    for (const name of Object.keys(fields).filter((key) => /^\w+$/.test(key))) {
      const plain = compileTemplate(`a {{ ${name} }} b`, 'p', strict);
      const liquid = compileTemplate(`{% if true %}a {{ ${name} }} b{% endif %}`, 'p', strict);
      expect([plain.parts === null, liquid.parts]).toEqual([false, null]);
      expect(plain.render(scopeOf(fields))).toBe(liquid.render(scopeOf(fields)));
    }
  });

  test('a template without tags is constant', () => {
    const template = compileTemplate('Write a poem. } {', 'prompt', strict);
    expect(template.constant).toBe('Write a poem. } {');
  });

  test('record holds all columns even when a column is called record', () => {
    for (const text of ['{{ record.record }}{{ record["a"] }}', '{{ record }}']) {
      const rendered = compileTemplate(text, 'p', strict).render(scopeOf({ record: 'r', a: 1 }));
      expect(rendered).toBe(text === '{{ record }}' ? '{"record":"r","a":1}' : 'r1');
    }
  });

  test('variables are there beside columns', () => {
    const template = compileTemplate('{{ scores }}{% if true %}{{ scores }}{% endif %}', 'p', strict);
    expect(template.render(scopeOf({}, { scores: '{{ x }}' }))).toBe('{{ x }}{{ x }}');
  });
});

describe('a missing column is an error with a line and the nearest name', () => {
  test.each([
    ['a\n{{ nme }}', 'prompt, line 2: there is no column "nme"; did you mean "name"?'],
    ['{{ xyzzy }}', 'there is no column "xyzzy"; there are: name, count, yes'],
    ['{{ record["IMDB Ratin"] }}', 'there is no column "IMDB Ratin"; did you mean "IMDB Rating"?'],
    ['{{ author.frist }}', '"author" has no "frist"; did you mean "first"?'],
    ['{{ toString }}', 'there is no column "toString"'],
    ['{{ __proto__ }}', 'there is no column "__proto__"'],
    ['{{ size }}', 'there is no column "size"'],
    ['{{ size | plus: 1 }}', 'there is no column "size"'],
    ['{% if nme %}a{% endif %}', 'there is no column "nme"'],
    ['{{ nme | default: "x" }}', 'there is no column "nme"'],
    ['{{ author.first.constructor }}', '"author.first" has no "constructor"'],
  ])('%s', (text, problem) => {
    expect(() => compileTemplate(text, 'prompt', strict).render(scopeOf(fields))).toThrow(TemplateError);
    expect(() => compileTemplate(text, 'prompt', strict).render(scopeOf(fields))).toThrow(problem);
  });

  test('where records may lack a column, if and default may ask for it', () => {
    expect(
      compileTemplate('{% if note %}a{% else %}b{% endif %}{{ note | default: "-" }}', 'p', optional).render(
        scopeOf(fields),
      ),
    ).toBe('b-');
    expect(() => compileTemplate('{{ note }}', 'p', optional).render(scopeOf(fields))).toThrow(
      'no column "note"',
    );
  });
});

describe('a template that cannot be parsed is refused', () => {
  test.each([
    ['{{ name', '"{{" at column 1 is not closed'],
    ['a\n {% if name %}', 'line 2: the tag at column 2 is not closed'],
    ['{% fro x in list %}{% endfor %}', 'there is no tag "fro"; did you mean "for"?'],
    ['{% include "a" %}', 'the tag "include" is not available'],
    ['{% render "a" %}', 'the tag "render" is not available'],
    ['{% layout "a" %}', 'the tag "layout" is not available'],
    ['{{ name | upcas }}', 'there is no filter "upcas"; did you mean "upcase"?'],
    ['{{ list | sample }}', 'there is no filter "sample"'],
    ['{{ IMDB Rating }}', 'a column with a space in its name is written {{ record["IMDB Rating"] }}'],
    ['{{ }}', 'not valid Liquid at column'],
  ])('%s', (text, problem) => {
    expect(() => compileTemplate(text, 'prompt', strict)).toThrow(problem);
  });

  test('words that are operators are no column with a space', () => {
    expect(compileTemplate('{{ name contains "Ada" }}', 'p', strict).render(scopeOf(fields))).toBe('true');
    expect(compileTemplate('{{ yes and count }}', 'p', strict).render(scopeOf(fields))).not.toBe('');
  });
});

test('dates are in UTC wherever the build runs', () => {
  const before = process.env['TZ'];
  process.env['TZ'] = 'Pacific/Auckland';
  try {
    const template = compileTemplate(
      '{{ at | date: "%d %H:%M" }} {{ at | date_to_string }}',
      'prompt',
      strict,
    );
    expect(template.render(scopeOf({ at: '2026-03-01T23:30:00Z' }))).toBe('01 23:30 01 Mar 2026');
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
});

test('the date of today is refused, since every build would differ', () => {
  const template = compileTemplate('{{ "now" | date: "%Y" }}', 'prompt', strict);
  expect(() => template.render(scopeOf({}))).toThrow('"now" would make every build different');
});

describe('rendering to JSON', () => {
  test.each([
    '{{ name }}: {{ hostile }}\n"{{ nothing }}" {{ author }} {{ list }} {{ count }} {{ scores }} {{ record }}',
    'no tag "at" all',
    '{{ name | upcase }} {{ hostile }}',
    '{{ weird }}',
  ])('is the JSON of the rendered text: %j', (text) => {
    const scope = scopeOf({ ...fields, weird: '\u0000\u001f\u2028\u007f\\"/é😀' }, { scores: 'x "y"\n' });
    const template = compileTemplate(text, 'p', strict);
    const record = recordToJson(scope.fields);
    expect(renderToJson(template, scope, record)).toBe(JSON.stringify(template.render(scope)));
    expect(record.json).toBe(JSON.stringify(scope.fields));
  });

  test('__proto__ and constructor are columns of the record', () => {
    const scope = scopeOf({});
    Object.defineProperty(scope.fields, '__proto__', { value: 'p', enumerable: true });
    expect(recordToJson(scope.fields).json).toBe('{"__proto__":"p"}');
    expect(compileTemplate('{{ __proto__ }}', 'p', strict).render(scope)).toBe('p');
  });

  test.each([
    ['', true],
    [' \n\t\r\f\v\u00a0\u2003', true],
    ['a', false],
    [' \\n', false],
    ['n', false],
  ])('%j is blank: %s', (text, blank) => {
    expect(isBlankJson(JSON.stringify(text))).toBe(blank);
  });
});
