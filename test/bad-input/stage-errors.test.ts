import { type BadJobFile, good, head, source, testBadJobFiles } from './bad-job-file.ts';

const two = `${head}${source}stages:
  - name: notes
    prompt: "{{ name }}"
  - name: report
    needs: notes
    prompt: "{{ notes.text }}"
`;

const invalid = (claim: string, job: string, ...says: readonly string[]): BadJobFile => ({
  claim,
  job,
  code: 'job_file_invalid',
  says,
});

testBadJobFiles('wrong stages', [
  invalid(
    'a mistyped key of a stage names the stage and the nearest key',
    two.replace('needs:', 'need:'),
    ':8: stage "report": "need" is not a known key; did you mean "needs"?',
  ),
  invalid(
    'a mistyped key inside a key of a stage is found there',
    `${two}    system: {text: a, cahce: 1h}\n`,
    ':10: stage "report": "cahce" is not a known key of "system"; did you mean "cache"?',
  ),
  invalid(
    'a key of the top level in a stage is sent there',
    `${two}    retry: {attempts: 2}\n`,
    ':10: stage "report": "retry" is not a known key; it stands at the top level, for all stages',
  ),
  invalid(
    'a key of a stage at the top level is sent into a stage',
    `${good}needs: notes\n`,
    ':5: "needs" is not a known key; it stands in one of the stages',
  ),
  invalid(
    'a wrong value in a stage says what it takes',
    `${two}    max_tokens: many\n`,
    ':10: stage "report": "max_tokens" must be a whole number of at least 1, not "many"',
  ),
  invalid(
    'a stage without a name is told by its number',
    two.replace('- name: report', '- max_tokens: 5'),
    ':7: stage 2: "name" must be 1-40 letters, digits and _, not beginning with a digit, not empty',
  ),
  invalid(
    'a name with a - cannot be a variable',
    two.replace('name: notes', 'name: story-notes'),
    ':5: stage "story-notes": "name" must be 1-40 letters, digits and _',
  ),
  invalid(
    'stages as a mapping show the list',
    `${head}${source}stages:\n  notes: {prompt: hi}\n`,
    ':4: "stages" must be a list of stages such as [{name: notes',
    'not a mapping',
  ),
  invalid('an empty list of stages is refused', `${head}${source}stages: []\n`, 'not an empty list'),
  invalid(
    'a stage that is a name alone is refused',
    `${head}${source}stages: [notes]\n`,
    ':4: stage 1 must be a mapping of the keys of a stage, not "notes"',
  ),
  invalid(
    'two stages of one name are refused',
    two.replace('name: report', 'name: notes').replace('    needs: notes\n', ''),
    ':7: there are two stages "notes"',
  ),
  invalid(
    'two stages that differ only in capitals are refused',
    two.replace('name: report', 'name: Notes'),
    ':7: the stages "notes" and "Notes" differ only in capitals',
  ),
  invalid(
    'a stage called like a word of Liquid is refused',
    two.replaceAll('notes', 'nil'),
    ':5: "nil" is a word of the template language; give the stage another name',
  ),
  invalid(
    'a stage called record is refused',
    two.replaceAll('notes', 'record'),
    ':5: "record" already holds all columns; give the stage another name',
  ),
  invalid(
    'a mistyped need names the nearest stage',
    two.replace('needs: notes', 'needs: note'),
    ':8: stage "report": "needs" names "note", but there is no such stage; did you mean "notes"?',
  ),
  invalid(
    'a stage cannot need a later one',
    two.replace('    prompt: "{{ name }}"', '    prompt: hi\n    needs: report'),
    ':7: stage "notes": "needs" names "report", which stands after it',
  ),
  invalid(
    'a stage cannot need itself',
    two.replace('needs: notes', 'needs: [notes,\n      report]'),
    ':9: stage "report": "needs" names "report", which is itself',
  ),
  invalid(
    'a need is named once',
    two.replace('needs: notes', 'needs: [notes, notes]'),
    ':8: stage "report": "needs" names "notes" twice',
  ),
  invalid(
    'an empty list of needs is refused',
    two.replace('needs: notes', 'needs: []'),
    ':8: stage "report": "needs" must be an earlier stage, or a list of them, not an empty list',
  ),
  invalid(
    'a prompt beside stages belongs into one of them',
    `${two}prompt: hi\n`,
    ':10: "prompt" belongs to one of the stages; move it there',
  ),
  invalid(
    'a stage without a prompt is named',
    two.replace('    prompt: "{{ notes.text }}"\n', ''),
    ':7: stage "report": "prompt" is missing',
  ),
  invalid(
    'a stage without a model of its own, in a job without one, is named',
    two.replace('model: claude-sonnet-5-5\n', '').replace('needs: notes', 'needs: notes\n    model: m'),
    ':4: stage "notes": "model" is missing',
  ),
  invalid(
    'params of a stage cannot hold what has a key of its own',
    `${two}    params: {max_tokens: 5}\n`,
    ':10: stage "report": "params.max_tokens" has a key of its own; write it as "max_tokens" outside params',
  ),
  invalid(
    'params for all stages cannot hold it either',
    `${two}params: {max_tokens: 5}\n`,
    ':10: "params.max_tokens" has a key of its own',
  ),
  invalid(
    'two stages with one output are refused',
    `${two}    output: "{{ name }}.md"\n`.replace(
      '    prompt: "{{ name }}"',
      '    prompt: a\n    output: "{{ name }}.md"',
    ),
    ':11: stage "report": "output" is the path of stage "notes" too; one would overwrite the other',
  ),
  invalid(
    'a files variable called like a needed stage is refused',
    `${two}files: {notes: a.txt}\n`,
    ':10: "notes" is a stage that another one needs; give the variable another name',
  ),
  invalid(
    'a needed stage that a column would hide is refused',
    two.replace('{csv: data.csv}', '{axes: {name: 1-2, notes: 1-2}}'),
    ':5: "notes" is a column of every record, and would hide the answers of the stage',
  ),
  invalid(
    'stages over ready-made requests are refused',
    two.replace('{csv: data.csv}', '{requests: r.jsonl}').replace(head, ''),
    ':2: "stages" has no effect on ready-made requests',
  ),
]);

testBadJobFiles('wrong messages, files, tools, schemas or outputs', [
  invalid(
    'a prompt beside messages is refused',
    `${good}messages: [{role: user, content: hi}]\n`,
    ':5: "messages" stands in the place of "prompt"; remove one of them',
  ),
  invalid(
    'a role that there is not is refused',
    `${head}${source}messages:\n  - role: user\n    content: hi\n  - role: usr\n    content: hi\n`,
    ':7: "messages.1.role" must be user or assistant, not "usr"; did you mean "user"?',
  ),
  invalid(
    'a mistyped key of a message names the nearest one',
    `${head}${source}messages:\n  - {role: user, contents: hi}\n`,
    ':5: "contents" is not a known key of "messages.0"; did you mean "content"?',
  ),
  invalid(
    'a content block that is text is refused',
    `${head}${source}messages: [{role: user, content: [hi]}]\n`,
    '"messages.0.content.0" must be a content block such as {type: text, text: "Hello"}, not "hi"',
  ),
  invalid(
    'messages that end with an answer are refused',
    `${head}${source}messages: [{role: user, content: hi}, {role: assistant, content: ho}]\n`,
    ':4: the last turn must be of the user',
  ),
  invalid(
    'attach as a path shows the list',
    `${good}attach: a.png\n`,
    ':5: "attach" must be a list such as [{image: "charts/{{ id }}.png"}], not "a.png"',
  ),
  invalid(
    'a file of attach that is neither image nor document is refused',
    `${good}attach: [{image: a.png}, {}]\n`,
    ':5: "attach.1" must have either "image" or "document"',
  ),
  invalid(
    'a file of attach that is both is refused',
    `${good}attach: [{image: a.png, document: a.pdf}]\n`,
    ':5: "attach.0" must have either "image" or "document"',
  ),
  invalid(
    'a mistyped key of attach names the nearest one',
    `${good}attach: [{imgae: a.png}]\n`,
    ':5: "imgae" is not a known key of "attach.0"; did you mean "image"?',
  ),
  invalid(
    'tool_choice as a word shows the mapping',
    `${good}tools: [{name: t}]\ntool_choice: auto\n`,
    ':6: "tool_choice" must be a mapping such as {type: auto}, not "auto"',
  ),
  invalid(
    'cache as a time names the key of the system prompt',
    `${good}cache: 1h\n`,
    ':5: "cache" must be a mapping such as {user_messages: 2}; the mark of the system prompt is "system.cache"',
  ),
  invalid(
    'more cached turns than the API takes are refused',
    `${good}cache: {user_messages: 5}\n`,
    ':5: "cache.user_messages" must be a whole number from 1 to 4, not "5"',
  ),
  invalid(
    'a mistyped key of cache names the nearest one',
    `${good}cache: {user_message: 2}\n`,
    ':5: "user_message" is not a known key of "cache"; did you mean "user_messages"?',
  ),
  invalid('an empty schema is refused', `${good}schema: {}\n`, ':5: "schema" is empty'),
  invalid(
    'a mistyped key beside a schema module names the nearest one',
    `${good}schema: {module: s.ts, exprot: Answer}\n`,
    ':5: "exprot" is not a known key of "schema" with a module; did you mean "export"?',
  ),
  invalid(
    'a schema module that is no module is refused',
    `${good}schema: {module: s.json}\n`,
    ':5: "schema.module" must be a JavaScript or TypeScript module',
  ),
  invalid(
    'a mistyped key of output names the nearest one',
    `${good}output: {path: a.md, tempalte: b}\n`,
    ':5: "tempalte" is not a known key of "output"; did you mean "template"?',
  ),
  invalid(
    'an output of both a template and a module is refused',
    `${good}output: {template: a, module: b.ts}\n`,
    ':5: "output" must have either "template" or "module"',
  ),
  invalid('an output that says nothing is refused', `${good}output: {}\n`, ':5: "output" is empty'),
  invalid(
    'an output module in another language is refused',
    `${good}output: {path: a.md, module: write.py}\n`,
    ':5: "output.module" must be a JavaScript or TypeScript module',
  ),
]);
