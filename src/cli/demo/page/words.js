// What happened, in words.

const WHO = { person: 'You', server: 'The agent', carrier: 'The carrier' };
const HEARING = {
  opened: 'Transcription is connected',
  configured: 'Transcription is ready',
  'speech-started': 'Transcription notices speech',
  'speech-stopped': 'Transcription notices the end of speech',
  committed: 'Transcription takes the stretch',
  failed: 'Transcription fails',
  refused: 'Transcription refuses',
  closed: 'Transcription is closed',
};

/** One event of the timeline as a sentence. */
export function inWords(event) {
  const answer = event.status ?? 'no answer';
  switch (event.kind) {
    case 'rest':
      return `Server to carrier: ${event.verb} → ${answer}`;
    case 'callback':
      return `Webhook: ${event.name === 'amd' ? 'who answered' : event.name} → ${answer}`;
    case 'twiml':
      return `Webhook: instructions → ${answer}${event.verbs ? ` (${event.verbs})` : ''}`;
    case 'state':
      return `The call is ${event.state}`;
    case 'media-up':
      return 'The media stream is up';
    case 'media-down':
      return `The media stream is down, ended by ${event.by === 'server' ? 'the server' : 'the carrier'}`;
    case 'agent-audible':
      return 'The agent is heard';
    case 'agent-quiet':
      return 'The agent is quiet';
    case 'mark-set':
      return `Mark ${event.name} is sent`;
    case 'mark-returned':
      return event.played ? `Mark ${event.name} was played` : `Mark ${event.name} was cleared`;
    case 'cleared':
      return `The server clears the line, ${event.dropped.toFixed(1)} s unheard`;
    case 'person-says':
      return `You say: ${event.text}`;
    case 'person-said':
      return 'You have spoken';
    case 'person-hesitates':
      return 'You make a sound';
    case 'person-presses':
      return `You press ${event.key}`;
    case 'hung-up':
      return event.by === 'carrier' ? 'The carrier ends the call' : `${WHO[event.by]} hung up`;
    case 'speech-asked':
      return event.status === 200 ? `Speech is asked for: ${event.text}` : `Speech is refused: ${answer}`;
    case 'speech-began':
      return 'The first sound of it is made';
    case 'speech-ended':
      return event.whole ? 'All of it is made' : 'It is not made to its end';
    case 'hearing':
      return event.what === 'transcript' ? `Transcription: ${event.text || 'no words'}` : HEARING[event.what];
    case 'text-sent':
      return `The agent writes: ${event.text}`;
    case 'text-arrived':
      return 'The text is on your phone';
    case 'text-read':
      return 'You have read it';
    case 'text-failed':
      return `The text does not arrive (${event.code})`;
    case 'person-writes':
      return `You write: ${event.text}`;
    case 'text-webhook':
      return `Webhook: ${event.name === 'onDeliveryUpdated' ? 'receipt' : 'text'} → ${answer}`;
    case 'violation':
      return `Wrong on the wire: ${event.text}`;
    default:
      return event.kind;
  }
}
