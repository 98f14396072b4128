"""Mutation testing of the heart of the engine: does some test notice when a line of it is wrong?"""
