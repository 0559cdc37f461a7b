"""Definitions that log and print."""

import logging
import os
import subprocess
import sys
import time

from django import forms

from jobs.definitions import JobDefinition, step


class Chatters(JobDefinition):
    """Prints many lines, and waits for a file after the first."""

    class Params(forms.Form):
        lines = forms.IntegerField(initial=3609)
        gate = forms.CharField(required=False)

    @step
    def chatter(self, run):
        for number in range(1, run.params["lines"] + 1):
            print(f"line {number} of the log")
            if number == 1 and run.params["gate"]:
                sys.stdout.flush()
                while not os.path.exists(run.params["gate"]):
                    time.sleep(0.01)


class Drips(JobDefinition):
    """Prints 2,500 lines, waits for a file, and prints 2,500 more."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step
    def drip(self, run):
        for number in range(1, 5001):
            print(f"drop {number}")
            if number == 2500:
                sys.stdout.flush()
                while not os.path.exists(run.params["gate"]):
                    time.sleep(0.01)


class Speaks(JobDefinition):
    """Says something in each way that there is."""

    @step
    def speak(self, run):
        run.log("from run.log")
        print("from print")
        logging.getLogger("some.library").warning("from logging")
        subprocess.run(["sh", "-c", "echo from a child; echo from its stderr >&2"])
        run.log("an error", level="error")
        for done in range(11):
            run.progress(done, 10, "counting")


class Redraws(JobDefinition):
    """Draws a progress bar in colour, waits for a file halfway, and ends the line."""

    class Params(forms.Form):
        gate = forms.CharField()

    @step
    def draw(self, run):
        print("\x1b[1mstarting\x1b[0m <b>")
        for done in range(0, 101, 10):
            print(f"\r\x1b[32m{done:3}%\x1b[0m |{'#' * (done // 10):10}|", end="", flush=True)
            while done == 50 and not os.path.exists(run.params["gate"]):
                time.sleep(0.01)
        print("\nended")


class Stumbles(JobDefinition):
    """Logs groups, colours, warnings and an error amid many lines, and fails if it is told to."""

    class Params(forms.Form):
        fails = forms.BooleanField(required=False)
        gate = forms.CharField(required=False)

    @step
    def stumble(self, run):
        with run.group("Install"):
            for number in range(1, 301):
                print(f"installing \x1b[36mpackage {number}\x1b[0m")
        run.log("the Cache is cold", level="warning")
        for number in range(1, 301):
            run.log(f"row {number}", level="error" if number == 150 else "info")
        run.log("the cache is full", level="warning")
        while run.params["gate"] and not os.path.exists(run.params["gate"]):
            time.sleep(0.01)
        if run.params["fails"]:
            raise ValueError("row 150")


class AnyTexts(forms.MultipleChoiceField):
    def valid_value(self, value):
        return True


class Echoes(JobDefinition):
    """Says what it is given in every way that there is: log, output, progress, result, error."""

    class Params(forms.Form):
        texts = AnyTexts()
        raw = forms.CharField(required=False, help_text="Bytes for the output, in hexadecimal")

    @step(needs=[])
    def speak(self, run):
        for text in run.params["texts"]:
            run.log(text)
        run.progress(1, 2, run.params["texts"][0])
        sys.stdout.flush()
        os.write(1, bytes.fromhex(run.params["raw"]))
        return {"texts": run.params["texts"]}

    @step(needs=[])
    def complain(self, run):
        raise ValueError("\n".join(run.params["texts"]))


class Sells(JobDefinition):
    """Logs through loggers of which one does not propagate (tests/ordinary_settings.py)."""

    @step
    def sell(self, run):
        for name in ("shop", "shop.till", None):
            logging.getLogger(name).info("sold by %s", name)
        return run.attempt
