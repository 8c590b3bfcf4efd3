"""What the keys of the review page do, as a table for its help."""

from engine.category import Category

KEYS = f"""\
| Key | Does |
|---|---|
| **A** | accept: remove everything that is kept, and go to the next picture |
| **S** | skip for now |
| **X** | reject: hold the picture back for good |
| **U** | undo the last edit; with none left, bring the last picture back |
| **J**, **K** | next, previous line of the list |
| **D** | drop the selected box, or keep it again |
| **1** … **{len(Category)}** | {", ".join(Category)}: for the selected box and the next one drawn |
| **←** **↑** **↓** **→** | shift the selected box by 8 pixels; with none selected, look further |
| **P** | show the picture as it would be released |
| **Z** | zoom: fit, 100 %, 200 % |
| **H** | this list |

Draw with the mouse. To move, resize or delete a box on the picture, switch the pencil under it to
*edit* first; what is under a kept box will be removed, with a margin.
"""
