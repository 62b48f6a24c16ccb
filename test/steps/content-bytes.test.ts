import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { contentBytes } from '../../src/steps/content-bytes.ts';

// Around the size of a piece, and of a third of it: what is asked is whether all of a text may be three bytes a character.
const LENGTHS = [1, 3_000, 87_380, 87_381, 87_382, 262_143, 262_144, 300_000, 2, 100_000];
const texts = [...LENGTHS, ...LENGTHS].map((length, index) => 'aé…'[index % 3]?.repeat(length) ?? '');

const known = (text: string) => ({ text, bytes: Buffer.from(text) });

test('a text whose bytes are known makes no difference, wherever it stands in the params or when it does not', () => {
  const text = 'größer « né » \u{1f600}'.repeat(20);
  const params = [text, `{"a":"${text}"}`, `é${text}`, `${text}…`, `${text}${text}`, 'other', text.slice(1)];
  const [content, plain] = [contentBytes('head'), contentBytes('head')];
  for (const one of params) {
    const bytes = content.add('r', one, known(text));
    expect(Buffer.from(bytes).toString()).toBe(one);
    plain.add('r', one);
  }
  expect(content.sha256()).toBe(plain.sha256());
});

test('bytes of a request stay what they are until the flush, however large the next ones are', () => {
  const content = contentBytes('head');
  for (const some of [texts, texts.toReversed(), texts.slice(0, 5)]) {
    const bytes = some.map((text, index) => content.add(`r-${index}`, `${text}!`, known(text)));
    const isSame = bytes.map((one, index) => Buffer.from(one).equals(Buffer.from(`${some[index]}!`)));
    expect(isSame).toEqual(some.map(() => true));
    content.flush();
  }
});

test('the hash is that of the ids and the texts in their order, wherever it is flushed', () => {
  const plain = `head${texts.map((text, index) => `\nr-${index}\n${text}`).join('')}`;
  for (const every of [1, 3, 1_000]) {
    const content = contentBytes('head');
    for (const [index, text] of texts.entries()) {
      content.add(`r-${index}`, text);
      if (index % every === 0) content.flush();
    }
    expect(content.sha256()).toBe(hash('sha256', plain));
  }
});
