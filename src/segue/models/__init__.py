"""The models: plain `nn.Module`s, one file each; sizes in, no recipes."""

from __future__ import annotations

import importlib
from typing import Any

from segue.errors import RecipeError, nearest

MODELS: dict[str, str] = {
    "conv-vae": "segue.models.conv_vae:ConvVAE",
    "velocity-vae": "segue.models.velocity_vae:VelocityVAE",
    "window-lstm": "segue.models.window_lstm:WindowLSTM",
    "window-norm-lstm": "segue.models.window_norm_lstm:WindowNormLSTM",
    "window-flat-lstm": "segue.models.window_flat_lstm:WindowFlatLSTM",
    "window-attention": "segue.models.window_attention:WindowAttention",
    "symbol-lstm": "segue.models.symbol_lstm:SymbolLSTM",
    "blues-lstm": "segue.models.blues_lstm:BluesLSTM",
    "window-roll-attention": "segue.models.window_roll_attention:WindowRollAttention",
    "roll-attention": "segue.models.roll_attention:RollAttention",
    "velocity-lstm": "segue.models.velocity_lstm:VelocityLSTM",
    "image-lstm": "segue.models.image_lstm:ImageLSTM",
    "frame-rnn": "segue.models.frame_rnn:FrameRNN",
    "echo-roll": "segue.models.echo_roll:EchoRoll",
    "echo-chain": "segue.models.echo_chain:EchoChain",
    "tied-voices": "segue.models.tied_voices:TiedVoices",
    "biaxial": "segue.models.biaxial:Biaxial",
    "dilated-conv": "segue.models.dilated_conv:DilatedConv",
    "note-time-pair": "segue.models.note_time_pair:NoteTimePair",
    "note-time-gru": "segue.models.note_time_gru:NoteTimeGRU",
    "nes-cascade": "segue.models.nes_cascade:NesCascade",
    "voice-cascade": "segue.models.voice_cascade:VoiceCascade",
    "note-lstm": "segue.models.note_lstm:NoteLSTM",
    "note-transformer": "segue.models.note_transformer:NoteTransformer",
    "metre-transformer": "segue.models.metre_transformer:MetreTransformer",
    "music-vae": "segue.models.music_vae:MusicVAE",
    "roll-vqvae": "segue.models.roll_vqvae:RollVQVAE",
    "roll-gan": "segue.models.roll_gan:RollGAN",
}


def find(name: str) -> Any:
    """A model's class by the name recipes use; RecipeError for an unknown one."""
    if name not in MODELS:
        raise RecipeError(f"there is no model {name!r}; {nearest(name, MODELS)}.")
    module, cls = MODELS[name].split(":")
    return getattr(importlib.import_module(module), cls)
