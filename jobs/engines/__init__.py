"""Where steps run: ``base`` says what an engine promises, and each engine has a module.

An engine is named by its dotted path in ``TRUESTEP["engine"]``. ``tests/engines/test_contract.py``
runs on every engine.
"""
