"""Pages that need no Python: the live lab in one file, its JavaScript core, and the tables it takes from here."""

from typing import TYPE_CHECKING

from toylab._lazy import attach

if TYPE_CHECKING:
    from toylab.pages.build import live_page as live_page
    from toylab.pages.build import write_live_folder as write_live_folder
    from toylab.pages.build import write_live_page as write_live_page
    from toylab.pages.site import write_site as write_site

__getattr__, __dir__, __all__ = attach(__name__)
