"""The HTML of every view goes through sanitisers and means the same: no style sheet, script or handler carries anything."""

from __future__ import annotations

import pytest

from nbsession.notebook.views.markup import LETTER_OF
from tests.notebook.gallery import EVERY, draw
from tests.notebook.sanitiser import ATTRIBUTES, PROPERTIES, TAGS, Elements, strictly


@pytest.mark.parametrize(("view", "name"), EVERY)
def test_html_holds_only_what_survives_jupyterlab(view: str, name: str) -> None:
    elements = Elements(draw(view, name).html)
    assert not elements.open, "an element is not closed"
    for tag, attributes in elements.found:
        assert tag in TAGS
        assert attributes.keys() <= ATTRIBUTES
        for declaration in filter(None, attributes.get("style", "").split(";")):
            name_, _, value = declaration.partition(":")
            assert name_ in PROPERTIES, declaration
            assert "var(" not in value and "url(" not in value


@pytest.mark.parametrize(("view", "name"), EVERY)
def test_without_any_style_it_has_the_same_elements_and_says_the_same(view: str, name: str) -> None:
    html = draw(view, name).html
    before, after = Elements(html), Elements(strictly(html))
    assert "style=" in html and "style=" not in strictly(html)
    assert after.text == before.text
    assert after.outline() == before.outline()


@pytest.mark.parametrize("name", ["busy", "failed"])
def test_what_colour_says_is_said_in_words_too(name: str) -> None:
    board = Elements(strictly(draw("board", name).html)).text
    for state, letter in LETTER_OF.items():
        assert f"{letter} {state.capitalize()}" in board
    if name == "busy":
        for words in ("* dirty", "~ expired", "× to delete", "transient → pending"):
            assert words in board
        cards = Elements(strictly(draw("cards", name).html))
        assert "'Ada'→ 'Ada B.'" in cards.text and {"del", "ins"} <= {tag for tag, _ in cards.found}
        assert "N+1" in Elements(strictly(draw("log", name).html)).text
    else:
        assert "! The transaction failed in In[7]: IntegrityError" in board
        assert "! failed" in Elements(strictly(draw("stack", name).html)).text
