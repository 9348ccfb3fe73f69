"""Notebook source as a step: analysis, signatures, the source document, the runner's archive.

Everything here is a function from text to data: user code is parsed, never imported or run.
"""
