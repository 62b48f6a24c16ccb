// What becomes a file of interviews/: called once for each answer, with the answer and its record.
// The time comes from the data, so that the same answer gives the same file on any day, from a batch or in real time.

export default function writeInterview({ model, json, record }) {
  return {
    interview_id: Number(record.interview_id),
    timestamp: record.scheduled_at,
    provider: 'anthropic',
    model,
    transcript: [
      { role: 'assistant', content: record.greeting },
      { role: 'user', content: record.first_question },
      { role: 'assistant', content: json.first_answer },
      ...json.exchanges.flatMap(({ question, answer }) => [
        { role: 'user', content: question },
        { role: 'assistant', content: answer },
      ]),
    ],
  };
}
