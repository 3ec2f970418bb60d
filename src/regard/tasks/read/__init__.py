"""Reading comprehension: a part of a passage answers a question, or a word of it fills a blank."""

from regard.tasks import spec
from regard.tasks.spec import Metric, PretrainedReader, TaskSpec

SPEC = TaskSpec(
    name="read",
    about="a part of a passage that answers a question, or fills its blank",
    task="regard.tasks.read.task:ReadTask",
    predictor="regard.tasks.read.predictor:Answerer",
    section="regard.tasks.read.section:ReadSection",
    demo="regard.tasks.read.demo",
    checks="regard.tasks.read.checks:ReadChecks",
    metrics={
        "exact_match": Metric("share of answers that are right, as SQuAD counts; Chinese as CMRC does"),
        "f1": Metric("F1 of what an answer and the right one have in common, in the mean; words, Chinese by character"),
        "accuracy": Metric("share of answers that are right to the letter"),
        "loss": Metric("nats a question", lower=True),
    },
    otherwise={("head", "over"): "accuracy", ("head", "sum"): "accuracy"},
    uses=(*spec.FILES, *spec.TEXT, *spec.TOKENS, *spec.LENGTH, *spec.BAD_LINES, *spec.READING),
    defaults={"data.source_tokenizer": "word", "train.label_smoothing": 0.0},
    reader=PretrainedReader(
        defaults={**spec.TUNING, "read.marks": False, "read.unseen": 0.0},
        unread=("unseen", "marks", "letters", "look"),
        settles=spec.READER,  # how texts are cut says what a word of an answer is
    ),
    formats=("json",),
    in_use=("longest",),
    called="qa squad question-answering reading-comprehension cloze",
    spellings={"attention": "look", "max_answer_length": "longest", **spec.OF_WORDS},
)
