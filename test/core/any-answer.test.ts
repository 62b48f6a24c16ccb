import { describe, expect, test } from 'vitest';
import { anyStageAnswer } from '../../src/core/stage-answer.ts';
import { compileTemplate } from '../../src/core/template.ts';

const render = (text: string, isStructured: boolean): string =>
  compileTemplate(text, 'prompt', { optionalColumns: false }).render({
    fields: { title: 'T' },
    variables: { notes: anyStageAnswer(isStructured) },
  });

describe('an answer that is not there yet lets a template pass that may be right', () => {
  test.each([
    ['{{ notes.text }}', '…'],
    ['{{ notes.text | strip | truncate: 10 }}', '…'],
    ['{% if notes.text contains "x" %}a{% else %}b{% endif %}', 'b'],
    ['{{ notes.json.a }}', '…'],
    ['{{ notes.json.a.b.c }}', '…'],
    ['{{ notes.json["a b"][0].c }}', '…'],
    ['{{ notes.json.a | upcase }}', '…'],
    ['{{ notes.json.items | join: ", " }}', '…'],
    ['{{ notes.json.items | map: "name" | join: ", " }}', '…'],
    ['{{ notes.json.items | size }}', '0'],
    ['{{ notes.json.items.size }}', '…'],
    ['{{ notes.json.items | first }}', '…'],
    ['{{ notes.json.price | times: 2 }}', '0'],
    ['{{ notes.json.items | where: "ok", true | size }}', '0'],
    ['{% for item in notes.json.items %}{{ item.name }}, {{ item.a.b }};{% endfor %}', '…, …;'],
    ['{% for a in notes.json.rows %}{% for b in a.cells %}{{ b.text }}{% endfor %}{% endfor %}', '…'],
    ['{% for pair in notes.json.map %}{{ pair[0] }}={{ pair[1] }}{% endfor %}', '…=…'],
    ['{% if notes.json.ok %}yes{% else %}no{% endif %}', 'yes'],
    ['{% unless notes.json.ok %}no{% endunless %}', ''],
    ['{% if notes.json.items.size > 3 %}many{% else %}few{% endif %}', 'few'],
    ['{% if notes.json.kind == "a" and notes.json.n < 2 %}a{% else %}b{% endif %}', 'b'],
    ['{% case notes.json.kind %}{% when "a" %}a{% else %}b{% endcase %}', 'b'],
    ['{% assign first = notes.json.items | first %}{{ first.name }} of {{ title }}', '… of T'],
    ['{{ notes.json }}', '…'],
    ['{{ notes.json.when | date: "%Y" }}', '…'],
    ['{{ notes.json.a | default: "-" }}', '"…"'],
    ['{{ notes.json.a | append: "!" | replace: "!", "?" }}', '…?'],
  ])('%s', (text, rendered) => {
    expect(render(text, true)).toBe(rendered);
  });
});

describe('and stops one that is wrong for every answer', () => {
  test.each([
    ['{{ titel }}', true, 'there is no column "titel"; did you mean "title"?'],
    [
      '{% for item in notes.json.items %}{{ item.a }}{{ titel }}{% endfor %}',
      true,
      'there is no column "titel"',
    ],
    ['{% if notes.json.ok %}{{ titel }}{% endif %}', true, 'there is no column "titel"'],
    ['{{ notes.txet }}', true, '"notes" has no "txet"'],
    ['{{ notse.text }}', true, 'there is no column "notse"'],
    // Without a schema there is no json.
    ['{{ notes.json.title }}', false, '"notes" has no "json"'],
  ] as const)('%s', (text, isStructured, problem) => {
    expect(() => render(text, isStructured)).toThrow(problem);
  });
});
