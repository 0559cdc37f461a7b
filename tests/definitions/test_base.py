"""What can be run, and what is wrong with it."""

import pytest
from django import forms
from django.core.management import CommandError, call_command

from jobs import definitions
from jobs.checks import check_definitions
from jobs.definitions import JobDefinition, StepDefinition, base, registry, step
from jobs.exceptions import InvalidParams, UnknownDefinition


@pytest.fixture(autouse=True)
def a_registry_of_its_own(monkeypatch):
    monkeypatch.setattr(registry, "_registered", [])
    monkeypatch.setattr(base, "lines_of", {})


def broken():
    """What is wrong with everything that the test has defined."""
    return [problem for _, problem in definitions.problems()]


# --- names and steps ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cls", "name"),
    [("NightlyImport", "nightly_import"), ("HTTPCheck", "http_check"), ("Load2Rows", "load2_rows")],
)
def test_the_name_is_that_of_the_class_in_snake_case(cls, name):
    type(cls, (JobDefinition,), {})
    assert list(definitions.registered()) == [name]


def test_a_name_can_be_set_and_is_not_inherited():
    class Base(JobDefinition):
        name = "given"

    class Derived(Base):
        pass

    assert list(definitions.registered()) == ["derived", "given"]


def test_an_abstract_base_is_not_launched_and_its_children_are():
    class Base(JobDefinition):
        abstract = True

        @step
        def first(self, run): ...

    class Child(Base):
        @step
        def second(self, run): ...

    assert list(definitions.registered()) == ["child"]
    assert {name: s.needs for name, s in Child.steps().items()} == {
        "first": (),
        "second": ("first",),
    }


def test_steps_are_in_the_order_written_and_need_the_one_above():
    class Job(JobDefinition):
        @step
        def one(self, run): ...

        @step(timeout=60)
        def two(self, run): ...

        @step(needs=[])
        def alone(self, run): ...

        @step(needs=[one, "alone"])
        def last(self, run): ...

    assert list(Job.steps().values()) == [
        StepDefinition(name="one", needs=()),
        StepDefinition(name="two", needs=("one",), timeout=60),
        StepDefinition(name="alone", needs=()),
        StepDefinition(name="last", needs=("one", "alone")),
    ]
    assert broken() == []


def test_a_step_overridden_by_something_else_is_no_step():
    class Base(JobDefinition):
        @step
        def one(self, run): ...

        @step
        def two(self, run): ...

    class Child(Base):
        two = None

    assert list(Child.steps()) == ["one"]


def test_an_unknown_name_names_the_known_ones():
    type("Known", (JobDefinition,), {})
    with pytest.raises(UnknownDefinition, match=r"'other'\. Known definitions: known\."):
        definitions.get("other")


def test_the_summary_is_the_first_paragraph_on_one_line():
    class Job(JobDefinition):
        """Load the
        nightly export.

        This is not read.
        """

    assert Job.summary() == "Load the nightly export."


# --- parameters -----------------------------------------------------------------------------------


class Form(forms.Form):
    day = forms.DateField()
    loud = forms.BooleanField(required=False)
    many = forms.MultipleChoiceField(choices=[("a", "a"), ("b", "b")], required=False)


@pytest.fixture
def job():
    return type("Job", (JobDefinition,), {"Params": Form})


def test_every_error_is_reported_together(job):
    with pytest.raises(InvalidParams) as caught:
        job.clean({"day": ["never"], "many": ["c"], "other": ["x"], "loud": ["\udcff"]})
    assert caught.value.errors == {
        "day": ["Enter a valid date."],
        "many": ["Select a valid choice. c is not one of the available choices."],
        "other": ["There is no such parameter."],
        "loud": ["This is not text: it has bytes that are not UTF-8."],
    }


# --- what is refused ------------------------------------------------------------------------------


def function(self, run): ...


def define(**steps):
    """A definition with these steps: name → (options, function)."""
    made = {}
    for name, (options, body) in steps.items():
        copy = type(body)(body.__code__, body.__globals__, name) if body is function else body
        made[name] = step(**options)(copy)
    return type("Job", (JobDefinition,), made)


async def coroutine(self, run): ...


def generator(self, run):
    yield


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ({}, "it has no step; mark a method with @step"),
        ({"_one": ({}, function)}, "step '_one': the name is reserved or too long"),
        ({"clean": ({}, function)}, "step 'clean': the name is reserved or too long"),
        ({"x" * 101: ({}, function)}, "the name is reserved or too long"),
        ({"one": ({"needs": ["two"]}, function)}, "step 'one' needs 'two', which is not a step"),
        ({"one": ({"needs": ["one"]}, function)}, "step 'one' needs itself, directly or through"),
        ({"one": ({"retries": -1}, function)}, "step 'one': retries=-1 must be a whole number"),
        (
            {"one": ({"retries": 1001}, function)},
            "retries=1001 must be a whole number, at",
        ),
        ({"one": ({"retries": True}, function)}, "retries=True must be a whole number"),
        ({"one": ({"retry_delay": -1}, function)}, "retry_delay=-1 must be seconds from 0 on"),
        ({"one": ({"retry_delay": "1"}, function)}, "retry_delay='1' must be seconds from 0 on"),
        ({"one": ({"retry_on": [OSError, 7]}, function)}, "retry_on has 7, which is not an exc"),
        ({"one": ({"retry_on": SystemExit}, function)}, "SystemExit'>, which is not an exception"),
        ({"one": ({"timeout": 0}, function)}, "step 'one': timeout=0 must be seconds above 0"),
        (
            {"one": ({"warn_after": 0}, function)},
            "warn_after=0 must be seconds above 0",
        ),
        (
            {"one": ({"warn_after": 9, "timeout": 9}, function)},
            "step 'one': warn_after=9 must be less than timeout=9",
        ),
        ({"one": ({"timeout": "1"}, function)}, "timeout='1' must be seconds above 0"),
        ({"one": ({"timeout": True}, function)}, "timeout=True must be seconds above 0"),
        ({"one": ({"timeout": float("inf")}, function)}, "timeout=inf must be seconds above 0"),
        ({"one": ({}, lambda self: None)}, "step 'one' must be a plain method that takes one"),
        ({"one": ({}, lambda self, run, more: None)}, "must be a plain method that takes one"),
        ({"one": ({}, coroutine)}, "step 'one' must be a plain method"),
        ({"one": ({}, generator)}, "step 'one' must be a plain method"),
        (
            {"one": ({}, function), "two": ({"needs": ["one", "one"]}, function)},
            "step 'two' names one of its needs twice",
        ),
    ],
)
def test_a_broken_step_is_named(steps, problem):
    define(**steps)
    assert [found for found in broken() if found.startswith(problem) or problem in found]


@pytest.mark.parametrize("deadline", [0, -1, "60", True, float("nan")])
def test_a_deadline_is_seconds(deadline):
    define(one=({}, function)).deadline = deadline
    assert broken() == [f"deadline={deadline!r} must be seconds above 0"]


def test_a_dependency_cycle_names_its_steps():
    define(
        free=({"needs": []}, function),
        one=({"needs": ["two"]}, function),
        two=({"needs": ["one"]}, function),
    )
    assert broken() == [
        "step 'one' needs itself, directly or through other steps",
        "step 'two' needs itself, directly or through other steps",
    ]


def test_a_step_that_is_written_twice_is_refused():
    class Job(JobDefinition):
        @step
        def one(self, run): ...

        @step
        def one(self, run): ...  # noqa: F811

    assert broken() == ["step 'one' is written twice; the first one would never run"]


def test_steps_that_a_function_makes_may_share_their_python_name():
    one = step(lambda self, run: 1)
    two = step(lambda self, run: 2)
    assert one.__qualname__ == two.__qualname__
    type("Made", (JobDefinition,), {"one": one, "two": two})
    assert broken() == []


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        (object, "Params must be a django.forms.Form class"),
        (
            type("F", (forms.Form,), {"upload": forms.FileField()}),
            "parameter 'upload' is a file field; give a path instead",
        ),
        (
            type("F", (forms.Form,), {"upload": forms.ComboField(fields=[forms.ImageField()])}),
            "parameter 'upload' is a file field; give a path instead",
        ),
        (
            type("F", (forms.Form,), {"upload": forms.CharField(widget=forms.FileInput)}),
            "parameter 'upload' is a file field; give a path instead",
        ),
        (
            type("F", (forms.Form,), {"follow": forms.CharField()}),
            "parameter 'follow' clashes with an option of the launch command; rename it",
        ),
        (
            type("F", (forms.Form,), {"a_b": forms.CharField(), "a-b": forms.CharField()}),
            "parameter 'a-b' has the same option of the launch command as another one",
        ),
        (
            type("F", (forms.Form,), {"json": forms.CharField()}),
            "parameter 'json' clashes with an option of the launch command; rename it",
        ),
        (
            type("F", (forms.Form,), {"no_color": forms.CharField()}),
            "parameter 'no_color' clashes with an option of the launch command; rename it",
        ),
        (
            type("F", (forms.Form,), {"at": forms.SplitDateTimeField(), "at_1": forms.CharField()}),
            "parameter 'at_1' has the same option of the launch command as another one",
        ),
        (
            type(
                "F",
                (forms.Form,),
                {"token": forms.CharField(widget=forms.PasswordInput(None, True))},
            ),
            "parameter 'token' has render_value=True: a page would show what is secret",
        ),
        (
            type(
                *("F", (forms.Form,)),
                {
                    "token": forms.CharField(widget=forms.PasswordInput),
                    "token_file": forms.CharField(),
                },
            ),
            "parameter 'token_file' has the same option of the launch command as another one",
        ),
        (
            type("F", (forms.Form,), {"csrfmiddlewaretoken": forms.CharField()}),
            "parameter 'csrfmiddlewaretoken' has the name of a control that every form has; "
            "rename it",
        ),
        (
            type("F", (forms.Form,), {"__init__": lambda self, user, *args, **options: None}),
            "Params must be made without arguments, as Params(): missing a required argument: "
            "'user'; give it a default",
        ),
    ],
)
def test_a_broken_parameter_is_named(form, problem):
    cls = define(one=({}, function))
    cls.Params = form
    assert broken() == [problem]


def test_an_option_that_a_form_adds_twice_is_named_by_the_command():
    class Params(forms.Form):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            self.fields["json"] = forms.CharField()

    define(one=({}, function)).Params = Params
    with pytest.raises(CommandError, match="job has two options of one name: argument --json"):
        call_command("launch", "job", "--json=1")


@pytest.mark.parametrize("name", ["", "Upper", "with-dash", "9lives", "x" * 101])
def test_a_name_that_is_none_is_refused(name):
    define(one=({}, function)).name = name
    assert broken()[0].startswith(f"its name {name!r} must be lower-case letters")


def test_of_two_with_one_name_the_second_names_the_first():
    define(one=({}, function))
    define(one=({}, function))
    [problem] = broken()
    assert problem.startswith("its name 'job' is taken by ")


def test_the_key_of_a_job_is_asked_for_before_there_is_an_object():
    class Broken(JobDefinition):
        def concurrency(self, params): ...

        @step
        def one(self, run): ...

    [error] = check_definitions()
    assert "concurrency() must be a class method: put @classmethod above it" in error.msg


def test_the_check_names_file_class_and_step():
    class Broken(JobDefinition):
        @step(retries=-1)
        def one(self, run): ...

    [error] = check_definitions()
    assert error.id == "truestep.E001"
    place, _, rest = error.msg.partition(" ")
    assert place.startswith(f"{__file__}:")
    assert "Broken: step 'one': retries=-1 must be a whole number" in rest
