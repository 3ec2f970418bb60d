"""What other toolkits, libraries and papers call the keys and words of a config, so that an error can name ours.

The names are those of OpenNMT-py, JoeyNMT, fairseq, Hugging Face (Trainer, generate, model configs), PyTorch's `nn` and Keras.  Hyphens,
underscores and case make no difference.  A name with `*` behind it has values of another meaning: a batch of 32 items is none of 32 tokens.
Names that are taken as they are stand in `spellings`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from regard.core.errors import did_you_mean
from regard.tasks import registry

_KEYS: Mapping[str, str] = {
    "data.train": "train_file train_data train_path train_set training_file training_data trainpref",
    "data.valid": "dev dev_file dev_data dev_path dev_set val val_file val_data valid_file valid_data valid_set validation "
    "validation_file validation_data validpref eval_file eval_data",
    "data.valid_share": "valid_split val_split dev_split test_size",
    "data.format": "data_format file_format dataset_type",
    "data.header": "has_header",
    "data.comment": "comment_char",
    "data.separator": "sep delimiter",
    "data.source": "src src_col source_col source_column input_column text_column",
    "data.target": "tgt trg tgt_col target_col target_column output_column label_column",
    "data.features": "feature_col features_col feature_column features_column",
    "data.features_separator": "features_sep",
    "data.unicode": "normalization unicode_normalization",
    "data.lowercase": "lower lower_case do_lower_case",
    "data.source_tokenizer": "tokenizer tokenizer_type tokenization src_tokenizer",
    "data.target_tokenizer": "tokenizer tokenizer_type tokenization tgt_tokenizer trg_tokenizer",
    "data.joint": "joined_dictionary joint_vocab joined_vocab shared_vocab",
    "data.vectors": "word_vectors pretrained_embeddings pretrained_vectors embedding_file glove pre_word_vecs_enc",
    "data.tune_vectors": "freeze_embeddings* freeze_word_vecs*",
    "data.max_source_length": "src_seq_length max_src_len max_source_len max_source_positions max_sent_length",
    "data.max_target_length": "tgt_seq_length max_tgt_len max_target_len max_target_positions max_sent_length",
    "model.family": "arch architecture model_type",
    "model.encoder": "encoder_type enc_type rnn_type cell cell_type rnn_cell bidirectional* brnn*",
    "model.decoder": "decoder_type dec_type rnn_type cell cell_type rnn_cell",
    "model.encoder_layers": "layers num_layers n_layers nlayers n_layer num_hidden_layers depth enc_layers num_encoder_layers",
    "model.decoder_layers": "layers num_layers n_layers nlayers n_layer num_hidden_layers depth dec_layers num_decoder_layers",
    "model.embedding": "embedding_dim embedding_size emb_dim emb_size embed_dim embed_size word_vec_size src_word_vec_size "
    "tgt_word_vec_size encoder_embed_dim decoder_embed_dim",
    "model.size": "hidden hidden_dim hidden_units rnn_size enc_hid_size dec_hid_size d_model model_dim n_embd nhid n_hidden "
    "units num_units",
    "model.attention": "attn attn_type attention_type attention_mechanism attention_function attention_score global_attention "
    "score_function",
    "model.input_feeding": "input_feed",
    "model.heads": "num_heads n_heads n_head nhead nheads attention_heads num_attention_heads encoder_attention_heads "
    "decoder_attention_heads",
    "model.feedforward": "ff_size d_ff ffn_dim ffn_size d_inner dim_feedforward transformer_ff intermediate_size "
    "encoder_ffn_embed_dim decoder_ffn_embed_dim",
    "model.norm": "norm_first* pre_norm* normalize_before* encoder_normalize_before* layer_norm*",
    "model.positions": "position_encoding* positional_encoding position_embedding position_embedding_type pos_enc",
    "model.max_positions": "max_position_embeddings n_positions",
    "model.activation": "activation_fn activation_function hidden_act",
    "model.pretrained": "model_name_or_path pretrained_model pretrained_model_name_or_path",
    "model.tie": "tied_embeddings* tied_softmax* tie_weights* tie_embeddings* tie_word_embeddings* share_embeddings* "
    "share_decoder_embeddings* share_all_embeddings* share_decoder_input_output_embed*",
    "model.head": "copy* copy_attn* copy_mechanism* pointer* pointer_generator*",
    "model.dropout": "drop drop_rate dropout_rate dropout_prob hidden_dropout hidden_dropout_prob",
    "model.embedding_dropout": "emb_dropout embed_dropout input_dropout",
    "model.attention.dropout": "attn_dropout attention_dropout attention_probs_dropout_prob",
    "train.seed": "random_seed random_state manual_seed",
    "train.begin": "train_from load_model finetune_from_model init_checkpoint",
    "train.batch_tokens": "max_tokens tokens_per_batch batch* batch_size* train_batch_size* per_device_train_batch_size* bsz* bs* "
    "minibatch_size* mini_batch_size*",
    "train.epochs": "epoch max_epoch max_epochs n_epochs num_epochs num_train_epochs nb_epoch",
    "train.updates": "max_update max_updates train_steps num_steps total_steps num_train_steps steps iterations max_iters",
    "train.minutes": "time_limit max_minutes stop_time_hours*",
    "train.learning_rate": "lr base_lr initial_lr max_lr peak_lr",
    "train.beta1": "adam_beta1 adam_betas*",
    "train.beta2": "adam_beta2 adam_betas*",
    "train.weight_decay": "wd l2",
    "train.schedule": "scheduler scheduling lr_schedule lr_scheduler lr_scheduler_type lr_decay* decay_method learning_rate_schedule",
    "train.warmup": "warmup_updates num_warmup_steps learning_rate_warmup warmup_ratio* warmup_epochs*",
    "train.plateau_factor": "decrease_factor lr_shrink lr_factor learning_rate_decay",
    "train.plateau_patience": "lr_patience",
    "train.clip": "clip_norm clip_grad clip_grad_norm grad_clip gradient_clip gradient_clipping gradient_clip_val clipnorm",
    "train.accumulate": "accum_count update_freq batch_multiplier gradient_accumulation accumulate_grad_batches grad_accum",
    "train.label_smoothing": "smoothing label_smoothing_factor",
    "train.guided_alignment": "guided_alignment_file alignment_file",
    "train.guided_weight": "guided_alignment_weight alignment_weight lambda_align",
    "train.scheduled_sampling": "teacher_forcing* teacher_forcing_ratio*",
    "train.precision": "dtype mixed_precision* amp* fp16* bf16*",
    "train.validate_every": "valid_steps eval_steps eval_every validation_freq validate_interval_updates val_check_interval",
    "train.metric": "eval_metric metric_for_best_model best_checkpoint_metric early_stopping_metric early_stopping_criteria",
    "train.patience": "early_stopping early_stopping_patience",
    "train.average": "checkpoint_averaging ema* swa* average_decay*",
    "train.checkpoint_every": "save_steps save_every save_checkpoint_steps save_interval_updates",
    "train.report_every": "log_every log_interval logging_freq",
    "train.device": "accelerator gpu* gpus* use_gpu* cuda* use_cuda* no_cuda*",
    "train.threads": "num_threads n_threads cpus",
    "decode.beam": "beams beam_size beam_width num_beams",
    "decode.n_best": "nbest num_return_sequences",
    "decode.length_penalty": "lenpen alpha beam_alpha",
    "decode.min_length": "min_len min_output_length min_new_tokens",
    "decode.max_ratio": "max_len_a",
    "decode.max_extra": "max_len_b max_len* max_length* max_output_length* max_new_tokens*",
    "decode.sample": "do_sample sampling",
    "decode.temperature": "temp sampling_temperature random_sampling_temp",
    "decode.top_k": "topk sampling_topk random_sampling_topk",
    "decode.top_p": "topp nucleus sampling_topp random_sampling_topp",
    "decode.batch_size": "eval_batch_size test_batch_size valid_batch_size per_device_eval_batch_size",
    **{f"{spec.name}.{key}": names for spec in registry.specs() for key, names in spec.other_names.items()},
}
_OPTIONS: Mapping[str, str] = {  # of `regard train`
    "--train": _KEYS["data.train"],
    "--valid": _KEYS["data.valid"],
    "--from": f"{_KEYS['train.begin']} {_KEYS['model.pretrained']}",
    "--out": "output output_dir out_dir model_dir save_dir save_model serialization_dir",
    "--resume": "restore restore_file* resume_from_checkpoint* load_checkpoint* continue",
}
_WORDS: Mapping[str, str] = {
    # scores
    "additive": "bahdanau mlp tanh perceptron",
    "general": "luong bilinear multiplicative luong-general",
    "dot": "dot-product dotproduct inner-product luong-dot",
    "scaled": "scaled-dot scaled-dot-product vaswani sdpa multihead multi-head self-attention",
    "cosine": "cos cosine-similarity",
    "concat": "luong-concat",
    "location-sensitive": "location-aware chorowski",
    "relative": "shaw relative-position",
    # scopes and weightings
    "everywhere": "full dense",
    "causal": "masked autoregressive",
    "window": "local sliding sliding-window",
    "local-m": "local-monotonic",
    "local-p": "local-predictive",
    "gumbel": "gumbel-softmax",
    "hard": "reinforce",
    # tokenizers
    "char": "chars character characters letters",
    "space": "whitespace split",
    "word": "words moses",
    "bpe": "subword subword-nmt byte-pair",
    "unigram": "sentencepiece spm unigram-lm",
    # nets
    "recurrent": "rnn lstm gru seq2seq",
    "transformer": "vaswani",
    "bilstm": "blstm bi-lstm brnn bidirectional",
    "bigru": "bi-gru",
    "pre": "pre-norm prenorm",
    "post": "post-norm postnorm",
    "sinusoidal": "sin sine fixed",
    "learned": "learnt absolute trainable",
    "rotary": "rope",
    "copy": "pointer pointer-generator",
    # training
    "inverse-sqrt": "noam inverse-square-root rsqrt",
    "linear": "linear-decay polynomial polynomial-decay",
    "plateau": "reduce-on-plateau reduce-lr-on-plateau",
    "constant": "fixed none",
    "bfloat16": "bf16",
    "cuda": "gpu nvidia",
    "mps": "metal apple",
    "float32": "fp32",
    # figures
    "exact": "accuracy acc exact-match em",
    "exact_match": "em",
    "accuracy": "acc",
    "perplexity": "ppl",
    "slot_f1": "f1 span-f1 chunk-f1",
    "macro_f1": "f1",
    "loss": "nll cross-entropy valid-loss eval-loss",
    "pearson": "pearsonr",
    "spearman": "spearmanr",
}


def _spelt(name: object) -> str:
    """A name as it stands in the tables."""
    return str(name).lstrip("-").lower().replace("-", "_")


def _inverse(table: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for ours, names in table.items():
        for name in names.split():
            found[_spelt(name.rstrip("*"))] = (*found.get(_spelt(name.rstrip("*")), ()), ours)
    return found


_TASKS = {spec.name: spec.called for spec in registry.specs()}
KEYS, WORDS, OPTIONS = _inverse(_KEYS), _inverse({**_WORDS, **_TASKS}), _inverse(_OPTIONS)
_OTHER = frozenset((_spelt(name[:-1]), key) for key, names in _KEYS.items() for name in names.split() if name.endswith("*"))


def keys_called(name: str) -> tuple[str, ...]:
    """The keys, as `train.learning_rate`, that others call so; () where nobody is known to."""
    return KEYS.get(_spelt(name), ())


def nearest(name: object, known: Iterable[str]) -> str:
    """The name among `known` that a mistyped one is meant to be; "" where none is as near as that."""
    return next(iter(difflib.get_close_matches(_spelt(name), list(known), n=1, cutoff=0.8)), "")


def same_values(name: str, key: str) -> bool:
    """Whether what others give by this name can be given to the key as it is."""
    return (_spelt(name), key) not in _OTHER


def words_called(name: object, known: Iterable[str]) -> Iterator[str]:
    """The words among `known` that others call so."""
    words = set(known)
    yield from (word for word in WORDS.get(_spelt(name), ()) if word in words)


def suggest(word: object, known: Iterable[object]) -> str:
    """As `did_you_mean`, which knows the names of others too."""
    names = [str(name) for name in known]
    if called := next(words_called(word, names), ""):
        return f" Did you mean '{called}'?"
    if near := did_you_mean(word, names):
        return near
    alike = nearest(word, (name for name, words in WORDS.items() if set(words) & set(names)))
    return f" Did you mean '{next(words_called(alike, names))}'?" if alike else ""
