#!/usr/bin/env python3
"""Drives the emulated speech provider with the official `openai` package: openai_check.py URL KEY.

Streams speech, has a phrase transcribed over a realtime session, and checks refusals. Exits with 1 and says what differs.
"""

import base64
import signal
import sys
import time
import urllib.parse
import urllib.request

import openai

# Whatever waits in vain ends the script.
signal.alarm(60)
URL, KEY = sys.argv[1:3]
PHRASE = "Yes, please go on with it."


def check(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


def speech(client, **changes):
    request = {"model": "gpt-4o-mini-tts", "voice": "coral", "input": "Shall I deploy it?", "response_format": "pcm", **changes}
    with client.audio.speech.with_streaming_response.create(**request) as response:
        began = time.monotonic()
        pieces = [(time.monotonic() - began, piece) for piece in response.iter_bytes()]
    return pieces


def check_speech(client):
    pieces = speech(client)
    sound = b"".join(piece for _, piece in pieces)
    check("whole samples", len(sound) % 2, 0)
    if not (len(sound) > 24000 and any(sound)):
        sys.exit(f"speech: {len(sound)} bytes are not half a second of sound")
    if len(pieces) < 3:
        sys.exit(f"speech: {len(pieces)} pieces are no stream")
    for changes, error, code in [
        ({"model": "gpt-9-tts"}, openai.NotFoundError, "model_not_found"),
        ({"voice": "nobody"}, openai.BadRequestError, "invalid_value"),
        ({"extra_body": {"sample_rate": 8000}}, openai.BadRequestError, "unknown_parameter"),
    ]:
        try:
            speech(client, **changes)
        except error as refusal:
            check(f"refusal of {changes}", refusal.code, code)
        else:
            sys.exit(f"{changes}: not refused")


def check_hearing(client):
    with urllib.request.urlopen(f"{URL}/emulator/phrase?{urllib.parse.urlencode({'text': PHRASE})}") as response:
        sound = response.read() + b"\xff" * 8000
    config = {
        "type": "transcription",
        "audio": {"input": {
            "format": {"type": "audio/pcmu"},
            "transcription": {"model": "gpt-4o-transcribe", "language": "en"},
            "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
        }},
    }
    seen = []
    with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        for event in connection:
            seen.append(event.type)
            if event.type == "session.created":
                connection.session.update(session=config)
            elif event.type == "session.updated":
                check("echoed format", event.session.audio.input.format.type, "audio/pcmu")
                for at in range(0, len(sound), 320):
                    connection.input_audio_buffer.append(audio=base64.b64encode(sound[at:at + 320]).decode())
            elif event.type == "conversation.item.input_audio_transcription.completed":
                check("transcript", event.transcript, PHRASE)
                break
            elif event.type == "error":
                sys.exit(f"realtime: {event.error.code} {event.error.message}")
        for event in ["speech_started", "speech_stopped", "committed"]:
            check(f"{event} was sent", f"input_audio_buffer.{event}" in seen, True)
        connection.input_audio_buffer.clear()
        connection.input_audio_buffer.commit()
        for event in connection:
            if event.type == "error":
                check("empty commit", event.error.code, "input_audio_buffer_commit_empty")
                break
        connection.session.update(session={**config, "audio": {"input": {
            "transcription": {"model": "gpt-live-transcribe"}, "turn_detection": {"type": "server_vad"}}}})
        event = connection.recv()
        check("turn detection of a live model", (event.type, event.error.message),
              ("error", "Turn detection is not supported for this transcription model"))


def main():
    client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    check("a known model", "gpt-4o-transcribe" in [model.id for model in client.models.list()], True)
    check_speech(client)
    check_hearing(client)
    try:
        openai.OpenAI(base_url=f"{URL}/v1", api_key="sk-other", max_retries=0).models.list()
    except openai.AuthenticationError as refusal:
        check("wrong key", refusal.code, "invalid_api_key")
    else:
        sys.exit("wrong key: not refused")
    print("openai: the emulator behaves")


main()
