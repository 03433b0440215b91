"""The words of the stage, by class: what may stand in a slot of the grammar, and what an affect word is worth.

A class is a tuple in a fixed order. Affect words have a grade in (0, 1], how much of their feeling they carry; no
affect word occurs outside the affect classes, so that a word alone tells its polarity.
"""

from collections.abc import Iterator

__all__ = ["CLASSES", "DEGREES", "EPITHETS", "GRADES", "POLARITY", "TWINS"]


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _graded(text: str) -> Iterator[tuple[str, float]]:
    return ((word, grade) for part, grade in zip(text.split("|"), _GRADES, strict=True) for word in part.split())


_GRADES = (1.0, 0.8, 0.6)  # of the parts between bars
_AFFECT = {
    "joy": """
        joy bliss rapture delight triumph glory ecstasy paradise |
        love gladness happiness fortune mirth laughter peace comfort pleasure hope honour merriment revelry felicity |
        ease favour grace plenty health friendship kindness solace contentment sweetness sunshine welcome blessing
        success victory freedom beauty charity jollity praise warmth trust tenderness harmony""",
    "woe": """
        grief despair anguish misery agony torment ruin horror |
        sorrow woe pain terror fear shame hatred malice plague mourning sadness wretchedness dread calamity |
        care trouble gloom sickness envy weariness strife rage wrath penury hunger doubt remorse regret spite
        scorn treason melancholy affliction misfortune loneliness discord disgrace cruelty slander""",
    "glad": """
        blissful overjoyed blessed enraptured |
        happy glad merry joyful cheerful delighted jocund jolly radiant exultant |
        content hopeful fortunate thankful pleased peaceful lighthearted gay carefree lucky""",
    "sad": """
        wretched heartbroken desolate tormented |
        sorrowful sad mournful woeful miserable unhappy grieved joyless dismal anguished |
        troubled fearful unfortunate careworn displeased gloomy downcast forlorn uneasy hapless""",
    "sweet": """
        blest heavenly glorious |
        sweet dear delightful lovely joyous |
        tender gentle fair kind charming pleasant""",
    "bitter": """
        cursed hellish dreadful |
        bitter cruel baleful hateful grievous |
        baneful foul bleak harsh dreary painful""",
    "rejoices": """
        exults triumphs |
        rejoices laughs revels |
        smiles prospers thrives""",
    "weeps": """
        despairs agonizes |
        weeps mourns grieves |
        sighs languishes suffers""",
    "rejoice": """
        exult |
        rejoice laugh revel |
        smile prosper thrive""",
    "weep": """
        agonize |
        weep mourn grieve |
        sigh languish suffer""",
    "cheers": """
        enraptures |
        gladdens delights cheers |
        comforts charms pleases""",
    "wounds": """
        tortures |
        saddens torments wounds |
        troubles afflicts vexes""",
}
TWINS = {"joy": "woe", "glad": "sad", "sweet": "bitter", "rejoices": "weeps", "rejoice": "weep", "cheers": "wounds"}
EPITHETS = {"joy": "sweet", "woe": "bitter"}  # what may stand before a noun of a catalogue

# How much a degree or a measure makes of what stands beside it.
_DEGREE = {"somewhat": 0.6, "half": 0.6, "right": 1.1, "very": 1.2, "passing": 1.2, "most": 1.3, "exceeding": 1.4}
_MEASURE = {"little": 0.6, "small": 0.6, "some": 0.8, "much": 1.2, "great": 1.2, "boundless": 1.4, "endless": 1.4}

# A verb in three forms: (I) keep, (she) keeps, (she hath) kept.
_VERBS = words("""
    keep keeps kept  hold holds held  guard guards guarded  carry carries carried  bring brings brought
    mend mends mended  paint paints painted  sell sells sold  buy buys bought  lend lends lent  find finds found
    hide hides hidden  show shows shown  send sends sent  open opens opened  count counts counted  weigh weighs weighed
    wash washes washed  clean cleans cleaned  lift lifts lifted  turn turns turned  move moves moved  mark marks marked
    name names named  follow follows followed  watch watches watched  know knows known  fetch fetches fetched
    build builds built  carve carves carved  borrow borrows borrowed  cover covers covered  draw draws drawn
    measure measures measured  polish polishes polished  gather gathers gathered  order orders ordered
    study studies studied  seal seals sealed  copy copies copied  hang hangs hung  wrap wraps wrapped
""")
_GOES = words("""
    go goes gone  walk walks walked  ride rides ridden  march marches marched  wander wanders wandered  run runs run
    travel travels travelled  climb climbs climbed  hasten hastens hastened  return returns returned  sail sails sailed
    journey journeys journeyed
""")

_NEUTRAL = {
    "name": """
        Alard Bettine Corvin Damaris Edric Fulvia Gervase Hesper Isaude Jocelin Kenelm Lucan Mirabel Norvin Odette
        Perrin Quillon Rosamund Sabine Tancred Ursula Valentin Wystan Ysolde Ambrose Cecily Drogo Elspeth Faramond Giles
        Hawise Ingram Joan Lambert Maud Nicol Oswin Piers Rohese Sibyl""",
    "person": """
        king queen duke duchess prince princess earl countess captain friar abbot nurse squire knight page steward
        herald judge doctor barber baker miller tailor weaver smith potter gardener shepherd fisherman sailor soldier
        merchant banker pedlar beggar pilgrim hermit scholar painter minstrel player porter cook groom widow stranger
        neighbour traveller""",
    "kin": "father mother brother sister uncle aunt cousin master mistress servant daughter son nephew niece",
    "folk": """
        soldiers sailors merchants pilgrims monks servants players shepherds maids clerks lords ladies watchmen scholars
        masons weavers children ferrymen""",
    "place": """
        garden orchard chapel harbour market castle tower mill hall chamber kitchen cellar stable palace abbey inn
        tavern village city street square field meadow forest valley island dairy barn forge bakery library church
        cloister tent camp lane granary vineyard pasture park cottage farm theatre arbour gallery attic""",
    "thing": """
        letter lantern sword cup ring cloak candle book purse key chest mirror map bell drum lute harp crown sceptre
        glove hat coat gown belt chain coin basket barrel ladder hammer axe plough saddle bridle arrow bow shield helmet
        banner rope anchor net kettle knife bowl jug table stool bench curtain carpet picture clock scroll ribbon""",
    "things": """
        letters lanterns swords cups rings candles books coins baskets barrels apples pears nuts loaves horses oxen
        geese carts wheels arrows bells drums stones ropes sheets chairs""",
    "adj": """
        tall old new narrow broad long short round square wooden iron silver brass copper leaden painted plain red green
        blue grey white brown yellow thick thin wide deep high low ancient foreign northern southern large""",
    "worth": "noble wise worthy gracious learned famous royal reverend",
    "matter": "wood stone wool linen silk leather clay marble wax paper straw velvet",
    "beast": "horse hound cat owl raven hawk ox goat mule deer hare fox swan crow heron pony",
    "stays": "sleeps waits stands sits rests lies stays lingers",
    "hour": "dawn noon dusk midnight sunrise sunset evening morning daybreak nightfall",
    "season": "spring summer autumn winter harvest advent april june october",
    "day": "monday tuesday wednesday thursday friday saturday sunday",
    "number": "two three four five six seven eight nine ten eleven twelve twenty thirty forty",
    "manner": "slowly softly quickly often seldom daily early late alone secretly openly boldly",
    "seat": "heart soul breast mind spirit bosom",
    "voice": "voice face hand eye tongue presence letter counsel song glance",
    "irony": "forsooth mockingly",
    "call": "hark mark lo behold listen prithee",
    "near": "in in in near beside behind",  # what stands here twice is drawn twice as often
    "must": "must will shall can",
    "whose": "my thy his her our your",
    "the": "the the the this that yonder",
    "these": "the the these those",
}

CLASSES: dict[str, tuple[str, ...]] = {
    name: words(text.lower().replace("|", " ")) for name, text in (_AFFECT | _NEUTRAL).items()
}
CLASSES |= {"degree": tuple(_DEGREE), "measure": tuple(_MEASURE)}
CLASSES |= {name: _VERBS[form::3] for form, name in enumerate(("verb", "verbs", "verbed"))}
CLASSES |= {name: _GOES[form::3] for form, name in enumerate(("go", "goes", "gone"))}

POLARITY: dict[str, int] = {
    word: sign for pair in TWINS.items() for name, sign in zip(pair, (1, -1), strict=True) for word in CLASSES[name]
}
GRADES: dict[str, float] = {word: grade for text in _AFFECT.values() for word, grade in _graded(text)}
DEGREES: dict[str, float] = _DEGREE | _MEASURE
